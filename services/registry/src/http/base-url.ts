import type { IncomingMessage } from 'node:http'
import { BadRequest } from '@berth/errors'

const HOST = /^(?:[A-Za-z0-9._-]+|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?$/

/**
 * `https://host` as the client knows us: the setting, else what the gateway says of the request, else its Host.
 *
 * @throws {BadRequest} the Host is none
 */
export function baseUrlOf(req: IncomingMessage, externalUrl: string | undefined): string {
  if (externalUrl !== undefined) return externalUrl
  const host = firstOf(req.headers['x-forwarded-host']) ?? req.headers.host ?? ''
  if (!HOST.test(host)) throw new BadRequest('the Host header is not valid')
  const scheme = firstOf(req.headers['x-forwarded-proto']) === 'https' ? 'https' : 'http'
  return `${scheme}://${host}`
}

/** Of the client, as the gateway saw it. */
export function clientAddressOf(req: IncomingMessage): string | undefined {
  return (firstOf(req.headers['x-forwarded-for']) ?? req.socket.remoteAddress)?.slice(0, 64)
}

function firstOf(header: string | string[] | undefined): string | undefined {
  const text = Array.isArray(header) ? header[0] : header
  return text?.split(',')[0]?.trim() || undefined
}
