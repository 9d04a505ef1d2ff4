import { Unprocessable } from '@berth/errors'

/** Which part of a list is asked for. */
export interface Page {
  /** From 1. */
  number: number
  /** As asked for: 0 is "everything". */
  size: number
  /** Rows to take: `size`, or the bound on "everything". */
  limit: number
  offset: number
}

const DEFAULT_SIZE = 10
export const MAX_PAGE_SIZE = 100
/** What `page_size=0`, Harbor's "everything", gets at most; the rest is linked to. */
export const MAX_UNPAGED = 1_000

/**
 * @param asked `page` and `page_size` as parsed from the query, if they were there
 * @throws {Unprocessable} a size over a hundred, or no whole numbers
 */
export function pageOf(asked: { page?: number; pageSize?: number }): Page {
  const { page = 1, pageSize = DEFAULT_SIZE } = asked
  if (!Number.isInteger(page) || !Number.isInteger(pageSize)) throw new Unprocessable('a page is a whole number')
  if (pageSize > MAX_PAGE_SIZE)
    throw new Unprocessable(`page_size in query should be less than or equal to ${MAX_PAGE_SIZE}`)
  if (pageSize <= 0) return { number: 1, size: 0, limit: MAX_UNPAGED, offset: 0 }
  const number = Math.max(page, 1)
  const offset = (number - 1) * pageSize
  if (!Number.isSafeInteger(offset)) throw new Unprocessable('page in query is too large')
  return { number, size: pageSize, limit: pageSize, offset }
}

/**
 * The headers of a list: `X-Total-Count`, and `Link` with the pages before and after, relative and with an unescaped
 * query, as Harbor writes it. "Everything" that did not fit links to where it goes on.
 *
 * @param url path and query of the request
 */
export function pageHeaders(url: string, page: Page, total: number): Record<string, string> {
  const links = page.size === 0 ? unpagedLinks(url, total) : pagedLinks(url, page, total)
  return { 'X-Total-Count': String(total), ...(links.length > 0 ? { Link: links.join(' , ') } : {}) }
}

function pagedLinks(url: string, { number, size, offset }: Page, total: number): string[] {
  return [
    ...(number > 1 && offset <= total ? [link(url, number - 1, size, 'prev')] : []),
    ...(offset + size < total ? [link(url, number + 1, size, 'next')] : []),
  ]
}

function unpagedLinks(url: string, total: number): string[] {
  return total > MAX_UNPAGED ? [link(url, MAX_UNPAGED / MAX_PAGE_SIZE + 1, MAX_PAGE_SIZE, 'next')] : []
}

function link(url: string, number: number, size: number, rel: 'prev' | 'next'): string {
  const { pathname, searchParams } = new URL(url, 'http://localhost')
  searchParams.set('page', String(number))
  searchParams.set('page_size', String(size))
  searchParams.sort()
  return `<${pathname}?${readable(searchParams.toString())}>; rel="${rel}"`
}

/** Unescapes what cannot change the meaning of the link or of the header; a space stays `%20`. */
function readable(query: string): string {
  return query
    .replaceAll('+', '%20')
    .replaceAll(/%(?:3D|7E|2C|3A|7B|7D|28|29|5B|5D|2F|40|21|2A|27)/gi, (escaped) => decodeURIComponent(escaped))
}
