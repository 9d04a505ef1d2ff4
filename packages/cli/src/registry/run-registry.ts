import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { CommandLine, type CommandProgress, type CommandReport } from '@berth/types'
import { CommandFailed, EXIT, Interrupted, NotThere, UsageError } from '../exit.ts'
import { ROOT } from '../local-suite.ts'
import type { World } from '../terminal.ts'

const SAID = /^berth: /
/** How long a command may take to end what it is at, before it is ended. */
const STOP_MS = 20_000

/** What a command of the registry has done; `failure` when it said that something is not well. */
export interface Ran {
  report: CommandReport
  failure?: string
}

/**
 * Runs `main.ts <args>` of the registry in this environment. Its log goes to stderr.
 *
 * @throws {UsageError | NotThere | CommandFailed} it did not come to a report
 */
export async function runRegistry(
  world: World,
  env: NodeJS.ProcessEnv,
  args: readonly string[],
  onProgress: (progress: CommandProgress) => void,
): Promise<Ran> {
  const main = join(ROOT, 'services', 'registry', 'src', 'main.ts')
  const child = spawn(process.execPath, [...process.execArgv, main, ...args], {
    env: { ...env, BERTH_PARENT_PID: String(process.pid) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const gone = once(child, 'close')
  let timer: NodeJS.Timeout | undefined
  const stop = () => {
    child.kill('SIGTERM')
    timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
  }
  world.stop.addEventListener('abort', stop)
  if (world.stop.aborted) stop()
  let report: CommandReport | undefined
  let said: string | undefined
  try {
    await Promise.all([
      eachLine(child.stdout, (text) => {
        const line = lineOf(text)
        if (line === undefined) world.stderr.write(`${text}\n`)
        else if ('progress' in line) onProgress(line.progress)
        else report = line.report
      }),
      eachLine(child.stderr, (text) => {
        if (SAID.test(text)) said = text.replace(SAID, '')
        else world.stderr.write(`${text}\n`)
      }),
      gone,
    ])
  } finally {
    clearTimeout(timer)
    world.stop.removeEventListener('abort', stop)
  }
  const [code] = (await gone) as [number | null]
  if (code === EXIT.ok && report !== undefined) return { report }
  if (report !== undefined) return { report, failure: said ?? 'it found something wrong' }
  if (world.stop.aborted) throw new Interrupted(said ?? 'stopped before its end; start it again to go on')
  throw failureOf(code, said ?? `the registry's command ended with ${code ?? 'a signal'}`)
}

function failureOf(code: number | null, said: string): Error {
  if (code === EXIT.usage) return new UsageError(said)
  if (code === EXIT.notFound) return new NotThere(said)
  return new CommandFailed(said)
}

async function eachLine(stream: Readable, take: (text: string) => void): Promise<void> {
  for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) take(line)
}

function lineOf(text: string): CommandLine | undefined {
  try {
    return CommandLine.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}
