import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { BadRequest, MethodNotAllowed, NotFound } from '@berth/errors'
import { type Logger, renderError } from '@berth/runtime'
import type { KeyRing } from '../key/index.ts'
import type { Issuer } from './issuer.ts'
import { parseTokenRequest } from './token-request.ts'

const TOKEN_PATH = '/service/token'
const KEYS_PATH = '/service/token/keys'

/** A word for the request, for metrics. */
export function operationOf(req: IncomingMessage): string {
  const path = req.url?.split('?')[0]
  return path === TOKEN_PATH ? 'token' : path === KEYS_PATH ? 'keys' : 'other'
}

/** `GET /service/token` and `GET /service/token/keys`, the JWKS. */
export function createTokenDoor(deps: { issuer: Issuer; keys: KeyRing; log: Logger }): RequestListener {
  const { issuer, keys, log } = deps

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { pathname, searchParams } = parseUrl(req.url)
    if (pathname !== TOKEN_PATH && pathname !== KEYS_PATH) throw new NotFound('there is nothing here')
    if (req.method !== 'GET') {
      res.setHeader('allow', 'GET')
      throw new MethodNotAllowed('only GET is answered here')
    }
    if (pathname === KEYS_PATH) return sendJson(res, { keys: keys.publicKeys() })
    const { token, expiresInSeconds, issuedAt } = await issuer.forClient(parseTokenRequest(req, searchParams))
    sendJson(res, {
      token,
      access_token: token,
      expires_in: expiresInSeconds,
      issued_at: issuedAt.toISOString(),
    })
  }

  return (req, res) => {
    res.setHeader('cache-control', 'no-store')
    answer(req, res).catch((err) => renderError(res, err, log))
  }
}

function parseUrl(target: string | undefined): URL {
  try {
    return new URL(`http://token${target?.startsWith('/') ? target : '/'}`)
  } catch {
    throw new BadRequest('the address of the request cannot be read')
  }
}

function sendJson(res: ServerResponse, body: unknown): void {
  const text = JSON.stringify(body)
  res.writeHead(200, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
  })
  res.end(text)
}
