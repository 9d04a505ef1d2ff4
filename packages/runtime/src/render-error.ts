import type { ServerResponse } from 'node:http'
import { toErrorBody } from '@berth/errors'
import type { NextFunction, Request, Response } from 'express'
import type { Logger } from './log.ts'

/**
 * Answers an error in the shape both APIs share; the only place where an error becomes a status. What has begun to
 * be sent is cut, so that nobody takes half an answer for a whole one.
 */
export function renderError(res: ServerResponse, err: unknown, log: Logger): void {
  const { status, body, retryAfterSeconds } = toErrorBody(err)
  if (status === 500) log.error('request failed', { err })
  else if (status > 500) log.warn('request could not be answered', { err })
  if (res.headersSent || res.destroyed) return void res.destroy()
  if (retryAfterSeconds !== undefined) res.setHeader('retry-after', String(retryAfterSeconds))
  const text = JSON.stringify(body)
  res.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
  })
  res.end(res.req.method === 'HEAD' ? undefined : text)
}

/** The last middleware of an express app. */
export function expressErrors(log: Logger) {
  return (err: unknown, _req: Request, res: Response, _next: NextFunction): void => renderError(res, err, log)
}
