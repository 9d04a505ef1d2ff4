import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { LogLine } from '@berth/types'
import { z } from 'zod'
import { type Api, Refused } from '../api.ts'
import { CommandFailed } from '../exit.ts'
import { type Found, type LineFilter, LOGS_PATH, type SearchOptions, searchLines } from './search.ts'
import { createTail } from './tail.ts'

const POLL_MS = 1_000
/** Lines of different services reach the collector a little out of order: so far back goes every look. */
const OVERLAP_MS = 2_000
/** After a pause of NATS they are later, … */
const WIDE = { overlapMs: 30_000, everyLooks: 10 }
/** … and what a collector that was killed or stood still had in hand comes again when its 30 s are over. */
const DEEP = { overlapMs: 300_000, everyLooks: 60 }
/** After something went wrong deep looks take the place of wide ones for so long. */
const WARY_MS = 180_000
const SLOW_MS = 3_000

export interface FollowOptions {
  filter: LineFilter
  /** How many of the lines already there come first. */
  limit: number
  signal: AbortSignal
  onLines: (found: Found) => void
  /** What keeps us from looking just now, and undefined when it is over. */
  onTrouble: (err: Error | undefined) => void
  pollMs?: number
}

/**
 * Shows the newest lines and then each further one once, until `signal`. Every look begins a little before the newest
 * line the collector had at the look before, and what has been shown is left out: nothing is lost or doubled while
 * the collector is behind or away. Lines that our own asking causes are left out too; they would never end.
 */
export async function followLines(api: Api, options: FollowOptions): Promise<void> {
  const { signal, onTrouble, pollMs = POLL_MS } = options
  const looks = createLooks(api, options)
  let mark: number | undefined
  let waryUntil = 0
  for (let round = 1; !signal.aborted; round++) {
    const began = performance.now()
    try {
      const isWary = began < waryUntil
      mark = mark === undefined ? await looks.first() : await looks.next(mark, overlapOf(round, isWary))
      onTrouble(undefined)
      if (performance.now() - began > SLOW_MS) waryUntil = performance.now() + WARY_MS
    } catch (err) {
      if (signal.aborted) return
      if (!isPassing(err)) throw err
      waryUntil = performance.now() + WARY_MS
      onTrouble(err)
    }
    await sleep(pollMs, undefined, { signal }).catch(() => undefined)
  }
}

function overlapOf(round: number, isWary: boolean): number {
  if (round % DEEP.everyLooks === 0) return DEEP.overlapMs
  if (round % WIDE.everyLooks === 0) return isWary ? DEEP.overlapMs : WIDE.overlapMs
  return OVERLAP_MS
}

function createLooks(api: Api, { filter, limit, signal, onLines }: FollowOptions) {
  const ours = `berth-logs-${randomBytes(6).toString('hex')}`
  const isOurs = (line: LogLine) => line.requestId === ours
  const tail = createTail()
  /** What was said before is not ours to show, however late it comes. */
  let floor = 0

  async function search(what: LineFilter, isEnough?: SearchOptions['isEnough']): Promise<Found> {
    const { lines, dropped } = await searchLines(api, what, { isEnough, requestId: ours, signal })
    return { lines: tail.take(lines.filter((line) => !isOurs(line))), dropped }
  }

  return {
    /** Shows the newest `limit` lines, and knows every line from a little before its beginning. */
    async first(): Promise<number> {
      const mark = await progress(api, ours, signal)
      floor = Math.max(mark - WIDE.overlapMs, Date.parse(filter.from ?? '1970-01-01'))
      const { lines, dropped } = await search(filter, (read) => {
        const oldest = Date.parse(read.at(-1)?.timestamp ?? '')
        return oldest < floor && read.filter((line) => !isOurs(line)).length >= limit
      })
      onLines({ lines: lines.slice(Math.max(0, lines.length - limit)), dropped })
      return mark
    },

    async next(mark: number, overlapMs: number): Promise<number> {
      const reached = await progress(api, ours, signal)
      const from = Math.max(mark - overlapMs, floor)
      onLines(await search({ ...filter, from: new Date(from).toISOString() }))
      tail.forgetBefore(mark - DEEP.overlapMs - OVERLAP_MS)
      return Math.max(mark, reached)
    },
  }
}

/** The time of the newest line the collector has, whatever the filter; never later than the suite's own clock. */
async function progress(api: Api, requestId: string, signal: AbortSignal): Promise<number> {
  const shape = z.object({ lines: z.array(LogLine) })
  const request = { shape, headers: { 'x-request-id': requestId }, signal }
  const { value, headers } = await api.call('GET', `${LOGS_PATH}?limit=1`, request)
  const clock = Date.parse(headers.get('date') ?? '') || Date.now()
  const newest = value.lines[0]
  return newest ? Math.min(clock, Date.parse(newest.timestamp)) : clock
}

/** A part that is down comes back; a password that is wrong stays wrong. */
function isPassing(err: unknown): err is Error {
  if (err instanceof Refused) return err.status >= 500 || err.status === 429
  return err instanceof CommandFailed
}
