import { DomainError } from '@berth/errors'

const MAX_PAGE = 1_000

/** PAGINATION_NUMBER_INVALID (400). */
export class PaginationNumberInvalid extends DomainError {
  override name = 'PaginationNumberInvalid'
  readonly code = 'PAGINATION_NUMBER_INVALID'

  constructor() {
    super('invalid number of results requested')
  }
}

/** BAD_REQUEST (400): `last` is no text that a name could be compared with. */
class PaginationLastInvalid extends DomainError {
  override name = 'PaginationLastInvalid'
  readonly code = 'BAD_REQUEST'

  constructor() {
    super('last is not valid')
  }
}

export interface Page {
  /** Absent when everything is asked for; at most a thousand. */
  n?: number
  last: string
  /** More than a thousand were asked for. */
  isClamped: boolean
}

/** `n` and `last` of a list. */
export function pageOf(query: URLSearchParams): Page {
  const last = query.get('last') ?? ''
  if (last.length > 512 || last.includes('\0') || !last.isWellFormed()) throw new PaginationLastInvalid()
  const n = query.get('n')
  if (n === null) return { last, isClamped: false }
  if (!/^\d{1,15}$/.test(n)) throw new PaginationNumberInvalid()
  return { n: Math.min(Number(n), MAX_PAGE), last, isClamped: Number(n) > MAX_PAGE }
}

/** The `Link` to the page that follows. @see RFC 5988 */
export function linkToNext(url: string, query: Record<string, string | number>): string {
  const params = new URLSearchParams(
    Object.entries(query).map(([key, value]): [string, string] => [key, String(value)]),
  )
  return `<${url}?${params}>; rel="next"`
}
