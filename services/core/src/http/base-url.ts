import type { IncomingMessage } from 'node:http'
import { isSecure } from './cookies.ts'

/** How the client reaches us, without a slash at the end: as configured, else by the host it asked for. */
export function baseUrlOf(req: IncomingMessage, externalUrl?: string): string {
  return externalUrl?.replace(/\/+$/, '') ?? `${isSecure(req) ? 'https' : 'http'}://${req.headers.host ?? 'localhost'}`
}
