import { MAX_PAGE_SIZE, MAX_UNPAGED, type Page } from '@berth/db'
import { BadRequest } from '@berth/errors'
import type { Request } from 'express'
import { z } from 'zod'
import { parseQuery } from '../http/index.ts'

const MAX_QUERY_CHARS = 4_096
const MAX_SORT_CHARS = 512
/** No list is that long. */
const LAST_PAGE = 1_000_000_000

/** Harbor's words for a list, as they came. */
export interface ListWords {
  q?: string
  sort?: string
}

const Words = z.object({ q: z.string().optional(), sort: z.string().optional() })

/** @throws {BadRequest} more than anybody reads */
export function listWords(req: Request): ListWords {
  const { q, sort } = parseQuery(Words, req)
  if ((q ?? '').length > MAX_QUERY_CHARS) throw new BadRequest('the query is too long')
  if ((sort ?? '').length > MAX_SORT_CHARS) throw new BadRequest('the sort is too long')
  return { q, sort }
}

/** Which part of a list an ask is for. */
export interface Part {
  page: number
  pageSize: number
  after?: string
}

export interface Listed<Row> {
  rows: Row[]
  total: number
}

/**
 * One page of a list the registry keeps: one ask. "Everything" is the first thousand rows, in ten asks at most; what
 * is pushed in between is not told twice.
 */
export async function askPage<Row>(
  page: Page,
  idOf: (row: Row) => number,
  ask: (part: Part) => Promise<Listed<Row> & { next?: string }>,
): Promise<Listed<Row>> {
  if (page.size > 0) return ask({ page: Math.min(page.number, LAST_PAGE), pageSize: page.size })
  const rows = new Map<number, Row>()
  let [total, after] = [0, undefined as string | undefined]
  for (let number = 1; number <= MAX_UNPAGED / MAX_PAGE_SIZE; number++) {
    const place = after === undefined ? { page: number } : { page: 1, after }
    const part = await ask({ ...place, pageSize: MAX_PAGE_SIZE })
    for (const row of part.rows) rows.set(idOf(row), row)
    total = part.total
    after = part.next
    if (part.rows.length < MAX_PAGE_SIZE || number * MAX_PAGE_SIZE >= total) break
  }
  return { rows: [...rows.values()], total }
}
