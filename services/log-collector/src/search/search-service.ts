import { BadRequest, TooManyRequests } from '@berth/errors'
import type { LogLine, linesSearch, RequestOf } from '@berth/types'
import type { Journal } from '../journal/index.ts'
import { formatCursor, parseCursor } from './place.ts'
import { type SearchLimits, search } from './search.ts'

const LIMITS: Omit<SearchLimits, 'lines'> = {
  answerBytes: 512 * 1024,
  scanBytes: 128 * 1024 * 1024,
  scanMs: 2_000,
}
const AT_ONCE = 2
const WAITING = 8

export interface LogSearch {
  /**
   * One page of lines. A page may hold fewer lines than asked for, or none, and still have a `next`: a call reads so
   * much and no more.
   *
   * @throws {BadRequest} a cursor that is not ours
   * @throws {TooManyRequests} many searches run already
   */
  find(request: RequestOf<typeof linesSearch>): Promise<{ lines: LogLine[]; next?: string }>
}

export function createLogSearch(journal: Journal, limits: Partial<SearchLimits> = {}): LogSearch {
  let running = 0
  const waiting: (() => void)[] = []

  async function enter(): Promise<void> {
    if (running < AT_ONCE) return void running++
    if (waiting.length >= WAITING) throw new TooManyRequests('too many log searches at once', { retryAfterSeconds: 2 })
    // Whoever leaves hands its place on.
    await new Promise<void>((resolve) => waiting.push(resolve))
  }

  function leave(): void {
    const next = waiting.shift()
    if (next) next()
    else running--
  }

  return {
    async find({ from, to, service, level, text, requestId, cursor, limit }) {
      const filter = {
        fromMs: from === undefined ? 0 : Date.parse(from),
        toMs: to === undefined ? Number.MAX_SAFE_INTEGER : Date.parse(to),
        service,
        level,
        text: text || undefined,
        requestId,
      }
      if (filter.fromMs > filter.toMs) throw new BadRequest('from is later than to')
      const start = cursor === undefined ? undefined : parseCursor(cursor)
      await enter()
      try {
        const { lines, next } = await search(journal, filter, { ...LIMITS, ...limits, lines: limit }, start)
        return { lines, next: next && formatCursor(next) }
      } finally {
        leave()
      }
    },
  }
}
