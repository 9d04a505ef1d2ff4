import { LogLine } from '@berth/types'
import { z } from 'zod'
import type { Api } from '../api.ts'

export const LOGS_PATH = '/api/berth/v1/logs'
/** The most lines one page may have. */
const PAGE = 1_000

const Page = z.object({
  lines: z.array(LogLine),
  next: z.string().optional(),
  dropped: z.record(z.string(), z.number()).default({}),
})

export interface LineFilter {
  service?: string
  level?: string
  text?: string
  requestId?: string
  from?: string
  to?: string
}

export interface Found {
  /** The newest first. */
  lines: LogLine[]
  /** Lines that never reached the collector, by service. */
  dropped: Record<string, number>
}

export interface SearchOptions {
  signal?: AbortSignal
  /** Of our own asking, so that its lines can be told from the others. */
  requestId?: string
  /** Asked after each page with all lines so far, the newest first; without it every page is read. */
  isEnough?: (lines: readonly LogLine[]) => boolean
  pageLines?: number
}

/** Reads pages until there is no further one or it is enough. */
export async function searchLines(api: Api, filter: LineFilter, options: SearchOptions = {}): Promise<Found> {
  const { isEnough = () => false, pageLines = PAGE, requestId, signal } = options
  const found: Found = { lines: [], dropped: {} }
  for (let cursor: string | undefined; ; ) {
    const query = queryOf({ ...filter, cursor, limit: String(Math.min(PAGE, Math.max(1, pageLines))) })
    const headers: Record<string, string> = requestId === undefined ? {} : { 'x-request-id': requestId }
    const { value } = await api.call('GET', `${LOGS_PATH}?${query}`, { shape: Page, headers, signal })
    found.lines.push(...value.lines)
    found.dropped = value.dropped
    cursor = value.next
    if (cursor === undefined || isEnough(found.lines)) return found
  }
}

function queryOf({ requestId, ...rest }: LineFilter & { cursor?: string; limit: string }): URLSearchParams {
  const entries = Object.entries({ ...rest, request_id: requestId })
  const query = new URLSearchParams()
  for (const [key, value] of entries) if (value !== undefined) query.set(key, value)
  return query
}
