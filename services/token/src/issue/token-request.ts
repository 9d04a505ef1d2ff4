import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { parseScopes, REGISTRY_AUDIENCE } from '@berth/access'
import { BadRequest } from '@berth/errors'
import { credentialsOf } from './credentials.ts'
import type { TokenRequest } from './issuer.ts'

/**
 * Reads `GET /service/token?service=harbor-registry&scope=…&scope=…`. `account`, `client_id`, `offline_token` and
 * whatever else is sent changes nothing.
 *
 * @throws {BadRequest} another service, or a scope outside the grammar
 * @throws {Unauthorized} credentials that cannot be read
 */
export function parseTokenRequest(req: IncomingMessage, query: URLSearchParams): TokenRequest {
  if (query.get('service') !== REGISTRY_AUDIENCE) throw new BadRequest(`service must be ${REGISTRY_AUDIENCE}`)
  const scopes = parseScopes(query.getAll('scope'))
  return { credentials: credentialsOf(req.headers), scopes, address: clientAddress(req) }
}

/** The gateway alone knocks here; it has thrown away what clients claim about themselves. */
function clientAddress(req: IncomingMessage): string | undefined {
  const forwarded = req.headers['x-forwarded-for']
  const first = (Array.isArray(forwarded) ? forwarded[0] : forwarded)?.split(',')[0]?.trim() ?? ''
  return isIP(first) === 0 ? req.socket.remoteAddress : first
}
