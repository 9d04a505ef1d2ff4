import type { IncomingMessage } from 'node:http'

/** The first cookie of this name. */
export function cookieOf(req: IncomingMessage, name: string): string | undefined {
  for (const pair of (req.headers.cookie ?? '').split(';')) {
    const equals = pair.indexOf('=')
    if (equals > 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim()
  }
  return undefined
}

/** Whether the client reached the gateway over TLS. */
export function isSecure(req: IncomingMessage, externalUrl?: string): boolean {
  return req.headers['x-forwarded-proto'] === 'https' || (externalUrl ?? '').startsWith('https:')
}
