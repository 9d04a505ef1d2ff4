import { hash, randomBytes } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

/** One credential as one address shows it; says nothing of the credential itself, and nothing after this process. */
export type CredentialKey = string

const KEY = randomBytes(32).toString('base64')

/**
 * The part of a request that can be a guess at a password: basic credentials anywhere, whatever is shown to the token
 * service, and the form of a login. `undefined` when the request claims to be nobody; bearer tokens are not guessed.
 */
export function findCredential(request: {
  address: string
  headers: IncomingHttpHeaders
  kind: RequestKind
  loginForm?: Buffer
}): CredentialKey | undefined {
  const { address, headers, kind, loginForm } = request
  if (loginForm !== undefined) return keyOf(address, 'form', loginForm)
  const { authorization } = headers
  if (authorization === undefined) return undefined
  return kind === 'token' || /^basic\b/i.test(authorization) ? keyOf(address, 'header', authorization) : undefined
}

/** `login`: the form of the web login. `token`: the token service. `registry`: every `/v2` path checks credentials. */
export type RequestKind = 'login' | 'token' | 'registry' | 'other'

/** Express reads `/C/Login/` and `/c/%6Cogin` as it reads `/c/login`, or may; so do we when we look for guesses. */
export function kindOf(method: string, path: string): RequestKind {
  if (path.startsWith('/v2/')) return 'registry'
  const plain = decodeURIComponent(path).toLowerCase().replace(/\/+$/, '')
  if (plain === '/c/login') return method === 'POST' ? 'login' : 'other'
  if (plain === '/service/token') return 'token'
  return plain === '/v2' || plain.startsWith('/v2/') ? 'registry' : 'other'
}

function keyOf(address: string, kind: string, secret: string | Buffer): CredentialKey {
  return hash('sha256', `${KEY}${address}\n${kind}\n${secret.toString('latin1')}`, 'base64url')
}
