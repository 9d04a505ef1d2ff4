// `npm start`: sets the clone up and runs the suite's supervisor in the foreground.
import { join } from 'node:path'
import { becomeOrRun } from './children.mjs'
import { NODE_FLAGS, ROOT, setup } from './setup.mjs'

const { node, env } = await setup()
const main = join(ROOT, 'packages', 'embedded', 'src', 'main.ts')
await becomeOrRun(node, [...NODE_FLAGS, main, ...process.argv.slice(2)], env)
