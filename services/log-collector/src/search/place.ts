import { BadRequest } from '@berth/errors'
import { z } from 'zod'

/**
 * Where a line stands among all lines: by time, then by segment, then by where it begins in it. Newest first means the
 * greatest first.
 */
export interface Place {
  ms: number
  /** `core/20261104T101500123Z` */
  segment: string
  offset: number
}

/** Negative when `a` is newer than `b`. */
export function newestFirst(a: Place, b: Place): number {
  if (a.ms !== b.ms) return b.ms - a.ms
  if (a.segment !== b.segment) return a.segment > b.segment ? -1 : 1
  return b.offset - a.offset
}

/** From here on back in time; without a segment everything of that millisecond is still to come. */
export interface Cursor {
  ms: number
  segment?: string
  offset?: number
}

const CursorText = z.tuple([
  z.number().int(),
  z.string().max(128).nullable(),
  z.number().int().nonnegative().nullable(),
])

export function formatCursor({ ms, segment, offset }: Cursor): string {
  return Buffer.from(JSON.stringify([ms, segment ?? null, offset ?? null])).toString('base64url')
}

/** @throws {BadRequest} it was not made by us */
export function parseCursor(text: string): Cursor {
  try {
    const [ms, segment, offset] = CursorText.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')))
    return segment === null || offset === null ? { ms } : { ms, segment, offset }
  } catch (err) {
    throw new BadRequest('the cursor is not one of ours', { cause: err })
  }
}

/** Whether a line at this place is still to come. */
export function isBeyond(cursor: Cursor | undefined, place: Place): boolean {
  if (!cursor) return true
  const { ms, segment, offset } = cursor
  if (segment === undefined || offset === undefined) return place.ms <= ms
  return newestFirst({ ms, segment, offset }, place) < 0
}
