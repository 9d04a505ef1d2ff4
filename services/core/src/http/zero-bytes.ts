import { BadRequest } from '@berth/errors'
import type { RequestHandler } from 'express'

/** Postgres keeps no zero bytes in texts, and no text of ours has a use for one. */
export const refuseZeroBytes: RequestHandler = (req, _res, next) => {
  next(/%00/.test(req.url) ? new BadRequest('the URL must not hold a zero byte') : undefined)
}

/**
 * For JSON: throws at the first name or text with a zero byte in it. Not an error of ours: the body parser would take
 * all but its message off.
 */
export function noZeroBytes(key: string, value: unknown): unknown {
  const isText = typeof value === 'string'
  if (key.includes('\0') || (isText && value.includes('\0'))) throw new Error('the body must not hold a zero byte')
  return value
}
