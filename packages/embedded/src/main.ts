import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runSupervisor } from './run-supervisor.ts'

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))))
const code = await runSupervisor(process.env, root)
// What was said last may still wait for its reader.
process.stdout.write('', () => process.exit(code))
setTimeout(() => process.exit(code), 500)
