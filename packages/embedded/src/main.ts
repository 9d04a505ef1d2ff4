import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { superviseAndLeave } from './run-supervisor.ts'

await superviseAndLeave(process.env, dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url))))))
