// `npm test`, `npm run e2e`, `npm run berth -- …`: sets the clone up and runs one of its programs with Node 24.
import { join } from 'node:path'
import { becomeOrRun, runChild } from './children.mjs'
import { NODE_FLAGS, ROOT, setup } from './setup.mjs'

const tool = (name) => join(ROOT, 'node_modules', '.bin', name)
const program = (...path) => [...NODE_FLAGS, join(ROOT, ...path)]
const [task, ...rest] = process.argv.slice(2)
const END_TO_END = ['run', '--config', 'e2e/vitest.config.ts']

/** What each task runs, one after the other; the first that fails ends it. `node` stands for the Node 24. */
const CHECK = [
  [tool('biome'), ['ci', '--reporter=summary', '.']],
  [tool('tsc'), ['-p', 'tsconfig.json']],
  [tool('knip'), []],
  ['node', program('.ci', 'fences.ts')],
]
const TASKS = {
  check: CHECK,
  test: [...CHECK, [tool('vitest'), ['run', ...rest]]],
  e2e: [[tool('vitest'), [...END_TO_END, ...rest]]],
  'e2e:long': [[tool('vitest'), [...END_TO_END, '--mode', 'long', ...rest]]],
  bench: [['node', [...program('e2e', 'bench', 'main.ts'), ...rest]]],
}

const { node, env } = await setup()
if (task === 'berth') await becomeOrRun(node, [...program('packages', 'cli', 'src', 'main.ts'), ...rest], env)

const steps = TASKS[task]
if (!steps) {
  process.stderr.write(`berth: no such task: ${task} (one of ${[...Object.keys(TASKS), 'berth'].join(', ')})\n`)
  process.exit(2)
}
for (const [command, args] of steps) {
  const { code, wasStopped } = await runChild(command === 'node' ? node : command, args, { cwd: ROOT, env })
  if (wasStopped) process.exit(1)
  if (code !== 0) process.exit(code)
}
