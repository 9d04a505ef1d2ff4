import { BadRequest } from '@berth/errors'
import type { RequestHandler } from 'express'

/** Postgres keeps no zero bytes in texts, and no text of ours has a use for one. */
export const refuseZeroBytes: RequestHandler = (req, _res, next) => {
  next(/%00/.test(req.url) ? new BadRequest('the URL must not hold a zero byte') : undefined)
}

/** For JSON: throws at the first text with a zero byte in it. */
export function noZeroBytes(_key: string, value: unknown): unknown {
  if (typeof value === 'string' && value.includes('\0')) throw new BadRequest('the body must not hold a zero byte')
  return value
}
