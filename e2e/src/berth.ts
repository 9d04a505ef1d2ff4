import { type RunResult, run } from './process.ts'
import { CLONE, type Suite } from './suite.ts'

/** The operator's command line, beside the suite it is about. */
export function berth(suite: Suite, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<RunResult> {
  return run('npm', ['run', '--silent', 'berth', '--', '-o', 'json', ...args], {
    cwd: CLONE,
    env: {
      ...process.env,
      BERTH_DATA: suite.data,
      BERTH_URL: suite.url,
      BERTH_USERNAME: 'admin',
      BERTH_PASSWORD: suite.adminPassword,
      ...env,
    },
    timeoutMs: 900_000,
  })
}

/** What a command said of itself. @throws {Error} with all it printed when it did not end well */
export async function report<T>(suite: Suite, args: readonly string[]): Promise<T> {
  const said = await berth(suite, args)
  if (said.code !== 0) throw new Error(`berth ${args.join(' ')} ended with ${said.code}:\n${said.output}`)
  return JSON.parse(said.stdout) as T
}
