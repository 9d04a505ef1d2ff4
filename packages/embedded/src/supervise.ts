import { setTimeout as sleep } from 'node:timers/promises'
import type { ExitOf } from './child.ts'
import type { Say } from './say.ts'

/** A running process of the suite. */
export interface Part {
  readonly pid: number
  readonly exited: Promise<ExitOf>
  /** In order when that takes less than `ms`, then harder. */
  stop(ms?: number): Promise<unknown>
  kill(signal: NodeJS.Signals): void
}

/** A part that is started again whenever it ends by itself. */
export interface Supervised<P extends Part = Part> {
  /** The running process; undefined between two. */
  readonly part: P | undefined
  /** How often it has ended by itself, and how the last time. */
  readonly crashes: { count: number; last?: ExitOf }
  stop(ms: number): Promise<void>
  /** Ends it at once and does not start it again. */
  kill(): void
}

const FIRST_DELAY_MS = 500
const LONGEST_DELAY_MS = 30_000
const STEADY_MS = 60_000

/**
 * Starts a part and keeps it running: after a crash it starts again, waiting 0.5 s, 1 s, 2 s up to 30 s while crashes
 * follow each other, and says so.
 *
 * @throws whatever the first `start` throws
 */
export async function supervise<P extends Part>(options: {
  name: string
  start: (signal: AbortSignal) => Promise<P>
  say: Say
  onRestart: () => void
}): Promise<Supervised<P>> {
  const { name, start, say, onRestart } = options
  const stopping = new AbortController()
  const crashes: Supervised['crashes'] = { count: 0 }
  let part: P | undefined = await start(stopping.signal)
  const ended = keep(part)

  async function keep(first: P): Promise<void> {
    let running: P | undefined = first
    let delayMs = FIRST_DELAY_MS
    while (!stopping.signal.aborted) {
      if (running) {
        const startedAt = Date.now()
        const exit = await running.exited
        part = undefined
        if (stopping.signal.aborted) return
        if (Date.now() - startedAt > STEADY_MS) delayMs = FIRST_DELAY_MS
        crashes.count++
        crashes.last = exit
        say('error', `${name} ended by itself, will start it again`, { ...exit, inMs: delayMs })
      }
      await sleep(delayMs, undefined, { signal: stopping.signal }).catch(() => undefined)
      delayMs = Math.min(delayMs * 2, LONGEST_DELAY_MS)
      running = await attempt()
      part = running
      if (running && !stopping.signal.aborted) {
        say('info', `${name} runs again`, { pid: running.pid })
        onRestart()
      }
    }
    await running?.stop(0)
  }

  async function attempt(): Promise<P | undefined> {
    if (stopping.signal.aborted) return undefined
    try {
      return await start(stopping.signal)
    } catch (err) {
      if (!stopping.signal.aborted)
        say('error', `${name} could not be started again`, { reason: (err as Error).message })
      return undefined
    }
  }

  return {
    get part() {
      return part
    },
    crashes,
    async stop(ms) {
      stopping.abort()
      await part?.stop(ms)
      await ended
    },
    kill() {
      stopping.abort()
      part?.kill('SIGKILL')
    },
  }
}
