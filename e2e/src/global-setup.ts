import { openTools } from '../tools/install.ts'

/** Before the first test: the tools are there and run, else nothing starts. */
export default async function setup(): Promise<void> {
  const { versions } = await openTools()
  const lines = Object.entries(versions).map(([program, version]) => `  ${program}: ${version}`)
  process.stdout.write(`tools of the tests:\n${lines.toSorted().join('\n')}\n`)
}
