import { randomBytes } from 'node:crypto'
import { type Claims, ISSUER, MAX_LIFETIME_SECONDS } from '@berth/access'
import { SignJWT } from 'jose'
import type { KeyRing } from '../key/index.ts'

/** A signed token and when it ends. */
export interface SignedToken {
  token: string
  issuedAt: Date
  expiresAt: Date
  expiresInSeconds: number
}

/** What a token says beside its times and its issuer. */
export type Statement = Pick<Claims, 'aud' | 'sub' | 'access' | 'who' | 'admin'>

export type Sign = (statement: Statement, seconds: number) => Promise<SignedToken>

/** Signs with whatever key signs now; nothing lives longer than a verifier would take it. */
export function createSigner(keys: KeyRing, now: () => number = Date.now): Sign {
  return async (statement, seconds) => {
    const expiresInSeconds = Math.min(seconds, MAX_LIFETIME_SECONDS)
    const iat = Math.floor(now() / 1000)
    const exp = iat + expiresInSeconds
    const expiresAt = new Date(exp * 1000)
    const { kid, alg, privateKey } = await keys.signingKey(expiresAt)
    const jti = randomBytes(12).toString('base64url')
    const token = await new SignJWT({ iss: ISSUER, ...statement, exp, nbf: iat, iat, jti })
      .setProtectedHeader({ alg, typ: 'JWT', kid })
      .sign(privateKey)
    return { token, issuedAt: new Date(iat * 1000), expiresAt, expiresInSeconds }
  }
}
