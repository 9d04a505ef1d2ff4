import type { TestProject } from 'vitest/node'
import { openTools } from '../tools/install.ts'

/** Before the first test: the tools are there and run, else nothing starts. */
export default async function setup(project: TestProject): Promise<void> {
  const { versions } = await openTools(project.config.env.BERTH_E2E_LONG === '1')
  const lines = Object.entries(versions).map(([program, version]) => `  ${program}: ${version}`)
  process.stdout.write(`tools of the tests:\n${lines.toSorted().join('\n')}\n`)
}
