import type { IncomingMessage } from 'node:http'
import { BadRequest } from '@berth/errors'
import { isSecure } from './cookies.ts'

const HOST = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i

/**
 * How the client reaches us, without a slash at the end: as configured, else by the host it asked for.
 *
 * @throws {BadRequest} what it asked for is no host
 */
export function baseUrlOf(req: IncomingMessage, externalUrl?: string): string {
  if (externalUrl !== undefined) return externalUrl.replace(/\/+$/, '')
  const url = `${isSecure(req) ? 'https' : 'http'}://${req.headers.host || 'localhost'}`
  if (!HOST.test(req.headers.host || 'localhost') || !URL.canParse(url))
    throw new BadRequest('the Host header is no host')
  return url
}
