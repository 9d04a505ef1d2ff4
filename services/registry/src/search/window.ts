/** Where a page lies in a list that is read from its nearer end. */
export interface Window {
  limit: number
  /** Rows to pass over, from the end that is nearer. */
  offset: number
  isReversed: boolean
}

/** `undefined`: there is nothing on that page. */
export function windowOf(page: number, pageSize: number, total: number): Window | undefined {
  const offset = (page - 1) * pageSize
  if (offset >= total) return undefined
  const limit = Math.min(pageSize, total - offset)
  const behind = total - offset - limit
  if (behind >= offset) return { limit, offset, isReversed: false }
  return { limit, offset: behind, isReversed: true }
}
