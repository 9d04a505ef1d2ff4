import type { Database } from '@berth/db'
import type { Logger } from '@berth/runtime'
import { every } from '../every.ts'
import { gatherPulls, type Pull } from './gather-pulls.ts'
import { writePulls } from './pull-store.ts'

/** What a kill may cost at most: the pulls of this time, or so many of them. */
const FLUSH_MS = 10_000
const FLUSH_PULLS = 1_000
/** Different pulls that are kept while Postgres is away; what does not fit is not recorded. */
const MAX_WAITING = 10_000

export interface PullRecorder {
  /** Takes note of a pull; it is written down a little later, with others. */
  note(pull: Pull): void
  /** Writes down what there is, then no more. */
  stop(): Promise<void>
}

/** Gathers pulls in memory and writes them down in batches. @param onChange there is something in the outbox */
export function recordPulls(parts: {
  database: Database
  onChange: () => void
  log: Logger
  flushMs?: number
}): PullRecorder {
  const { database, onChange, log, flushMs = FLUSH_MS } = parts
  const waiting = gatherPulls(MAX_WAITING)
  let lost = 0

  const keep = (pull: Pull, times: number, at: Date) => {
    if (!waiting.add(pull, times, at)) lost += times
  }

  async function flush(): Promise<void> {
    const pulls = waiting.take()
    for (let from = 0; from < pulls.length; from += FLUSH_PULLS) {
      try {
        if (await writePulls(database, pulls.slice(from, from + FLUSH_PULLS))) onChange()
      } catch (err) {
        for (const { count, pulledAt, ...pull } of pulls.slice(from)) keep(pull, count, pulledAt)
        throw err
      } finally {
        if (lost > 0) log.warn('pulls were not recorded: too many wait', { pulls: lost })
        lost = 0
      }
    }
  }

  const flushing = every(flushMs, 'record pulls', flush, log)
  return {
    note(pull) {
      keep(pull, 1, new Date())
      if (waiting.count >= FLUSH_PULLS) flushing.poke()
    },
    async stop() {
      await flushing.stop()
      await flush().catch((err) => log.warn('the last pulls could not be recorded', { err }))
    },
  }
}
