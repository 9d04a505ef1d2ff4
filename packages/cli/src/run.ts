import { EXIT, type ExitCode, exitCodeOf, Interrupted, messageOf } from './exit.ts'
import { createProgram } from './program.ts'
import type { World } from './terminal.ts'

/** Runs one command line (without the program's name) and answers its exit code; never throws. */
export async function runBerth(args: readonly string[], world: World): Promise<ExitCode> {
  try {
    await createProgram(world).parseAsync([...args], { from: 'user' })
    return EXIT.ok
  } catch (err) {
    if (world.stop.aborted && !(err instanceof Interrupted)) return EXIT.ok
    const message = messageOf(err)
    if (message !== undefined) world.stderr.write(`${message}\n`)
    return exitCodeOf(err)
  }
}
