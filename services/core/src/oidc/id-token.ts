import {
  createRemoteJWKSet,
  customFetch,
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from 'jose'
import type { CustomFetch } from 'openid-client'

const MAX_CHARS = 16_384
const TIMEOUT_MS = 5_000
/** Signatures anybody can check with a public key; those of a shared secret are none of them. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']

/** The keys did not come, or are none; that says nothing of the token. */
const UNREADABLE = new Set(['ERR_JOSE_GENERIC', 'ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID'])

/** The keys of a provider, read again when a token names one that is not among them, at most every 30 seconds. */
export function providerKeys(jwksUri: string, fetch: CustomFetch): JWTVerifyGetKey {
  return createRemoteJWKSet(new URL(jwksUri), {
    [customFetch]: (url, { headers, method, redirect, signal }) =>
      fetch(url, { headers: Object.fromEntries(headers), method, redirect, signal, body: undefined }),
    timeoutDuration: TIMEOUT_MS,
  })
}

/**
 * Whose ID token this is; `undefined`: it is none of this provider for this client, at this time. Access and logout
 * tokens, which providers sign with the same keys, are none.
 *
 * @throws {Error} the keys cannot be read
 * @see OpenID Connect Core 1.0, 3.1.3.7
 */
export async function subjectOfIdToken(
  token: string,
  keys: JWTVerifyGetKey,
  expected: { issuer: string; clientId: string; leewaySeconds: number },
): Promise<string | undefined> {
  const { issuer, clientId, leewaySeconds } = expected
  if (!isIdTokenByHeader(token)) return undefined
  try {
    const { payload } = await jwtVerify(token, keys, {
      issuer,
      audience: clientId,
      clockTolerance: leewaySeconds,
      algorithms: ALGORITHMS,
      requiredClaims: ['sub', 'exp', 'iat'],
    })
    return isForUs(payload, clientId) ? payload.sub : undefined
  } catch (err) {
    if (err instanceof errors.JOSEError && !UNREADABLE.has(err.code)) return undefined
    throw err
  }
}

function isIdTokenByHeader(token: string): boolean {
  if (token.length > MAX_CHARS) return false
  try {
    const { typ } = decodeProtectedHeader(token)
    return typ === undefined || typ.toUpperCase() === 'JWT'
  } catch {
    return false
  }
}

function isForUs({ aud, azp, events }: JWTPayload, clientId: string): boolean {
  const isForSeveral = Array.isArray(aud) && aud.length > 1
  return events === undefined && (azp === undefined ? !isForSeveral : azp === clientId)
}
