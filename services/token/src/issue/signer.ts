import { type KeyObject, randomBytes, sign } from 'node:crypto'
import { promisify } from 'node:util'
import { type Claims, ISSUER, MAX_LIFETIME_SECONDS } from '@berth/access'
import type { KeyRing, SigningKey } from '../key/index.ts'

/** A signed token and when it ends. */
export interface SignedToken {
  token: string
  issuedAt: Date
  expiresAt: Date
  expiresInSeconds: number
}

/** What a token says beside its times and its issuer. */
type Statement = Pick<Claims, 'aud' | 'sub' | 'access' | 'who' | 'admin'>

export type Sign = (statement: Statement, seconds: number) => Promise<SignedToken>

/** Signs with whatever key signs now; nothing lives longer than a verifier would take it. */
export function createSigner(keys: KeyRing, now: () => number = Date.now): Sign {
  return async (statement, seconds) => {
    const expiresInSeconds = Math.min(seconds, MAX_LIFETIME_SECONDS)
    const iat = Math.floor(now() / 1000)
    const exp = iat + expiresInSeconds
    const expiresAt = new Date(exp * 1000)
    const key = await keys.signingKey(expiresAt)
    const jti = randomBytes(12).toString('base64url')
    const token = await signCompact({ iss: ISSUER, ...statement, exp, nbf: iat, iat, jti }, key)
    return { token, issuedAt: new Date(iat * 1000), expiresAt, expiresInSeconds }
  }
}

const signBytes = promisify<string, Buffer, { key: KeyObject; dsaEncoding: 'ieee-p1363' }, Buffer>(sign)

/**
 * The compact form of RFC 7515. By hand, because the signature is nearly all there is to do and Node's own `sign` makes
 * three (RS256) to seven (ES256) times as many as WebCrypto, which jose goes through.
 */
async function signCompact(claims: Claims, { kid, alg, privateKey }: SigningKey): Promise<string> {
  const text = `${base64url({ alg, typ: 'JWT', kid })}.${base64url(claims)}`
  const signature = await signBytes('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' })
  return `${text}.${signature.toString('base64url')}`
}

function base64url(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
