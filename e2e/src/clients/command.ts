import { mkdir } from 'node:fs/promises'
import type { Tools } from '../../tools/install.ts'
import type { Program } from '../../tools/programs.ts'
import { type RunOptions, type RunResult, run } from '../process.ts'

export interface Command {
  /** Ends well and returns what it printed on standard output, else throws with all it printed. */
  (...args: string[]): Promise<string>
  /** Run to its end; the exit code is the caller's to judge. */
  tried(...args: string[]): Promise<RunResult>
  /** With `input` on standard input; ends well or throws. */
  fed(input: string, ...args: string[]): Promise<string>
}

/** A command line client whose settings and logins are below `home` and nowhere else. */
export async function openCommand(
  tools: Tools,
  program: Program,
  home: string,
  settings: NodeJS.ProcessEnv = {},
): Promise<Command> {
  await mkdir(home, { recursive: true })
  const env = {
    ...tools.env,
    HOME: home,
    XDG_CONFIG_HOME: home,
    XDG_RUNTIME_DIR: home,
    DOCKER_CONFIG: home,
    ...settings,
  }
  const options: RunOptions = { env, cwd: home }
  const must = ({ code, stdout, output }: RunResult, args: readonly string[]): string => {
    if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${output}`)
    return stdout
  }
  const tried = (...args: string[]): Promise<RunResult> => run(program, args, options)
  const command = async (...args: string[]): Promise<string> => must(await tried(...args), args)
  const fed = async (input: string, ...args: string[]): Promise<string> =>
    must(await run(program, args, { ...options, input }), args)
  return Object.assign(command, { tried, fed })
}
