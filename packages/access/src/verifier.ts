import { DomainError } from '@berth/errors'
import { createLocalJWKSet, decodeProtectedHeader, type JWK, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { LRUCache } from 'lru-cache'
import { Claims, ISSUER, MAX_LIFETIME_SECONDS } from './claims.ts'

const ALGORITHMS = ['RS256', 'ES256']
const LEEWAY_SECONDS = 60
const MAX_TOKEN_CHARS = 48 * 1024
const REFETCH_MS = 5_000
/** Of verified tokens kept, in characters: whoever asks for huge ones must not fill our memory. */
const MAX_CACHED_CHARS = 8 * 1024 * 1024

export class TokenInvalid extends DomainError {
  override name = 'TokenInvalid'
  readonly code = 'UNAUTHORIZED'
}

export interface TokenVerifier {
  /**
   * Checks signature, issuer, audience and times against the keys we know; keys are asked for again when a token
   * names one we do not, at most every five seconds.
   *
   * @throws {TokenInvalid} for whatever is wrong with the token
   * @throws {Unavailable} when no keys could be had yet
   */
  verify(token: string): Promise<Claims>
}

/** `keys` answers the public keys of the token service; what it throws is thrown on. */
export function createVerifier(options: {
  keys: () => Promise<readonly JWK[]>
  audience: string
  now?: () => number
  cacheSize?: number
}): TokenVerifier {
  const { keys, audience, now = Date.now } = options
  const verified = new LRUCache<string, Claims>({
    max: options.cacheSize ?? 5_000,
    maxSize: MAX_CACHED_CHARS,
    sizeCalculation: (_claims, token) => token.length,
  })
  let known: { set: JWTVerifyGetKey; kids: Set<string> } | undefined
  let askedAt = 0
  let asking: Promise<void> | undefined

  async function refresh(): Promise<void> {
    asking ??= keys()
      .then((list) => {
        known = {
          set: createLocalJWKSet({ keys: [...list] }),
          kids: new Set(list.flatMap((key) => (key.kid === undefined ? [] : [key.kid]))),
        }
      })
      .finally(() => {
        askedAt = now()
        asking = undefined
      })
    await asking
  }

  async function keysFor(kid: string): Promise<JWTVerifyGetKey> {
    if (!known) await refresh()
    else if (!known.kids.has(kid) && now() - askedAt > REFETCH_MS) await refresh().catch(() => undefined)
    if (!known?.kids.has(kid)) throw new TokenInvalid('the token is signed with a key that is not ours')
    return known.set
  }

  async function check(token: string): Promise<Claims> {
    if (token.length > MAX_TOKEN_CHARS) throw new TokenInvalid('the token is too long')
    const set = await keysFor(kidOf(token))
    const payload = await signedPayload(token, set, audience, now())
    const claims = Claims.safeParse(payload)
    if (!claims.success) throw new TokenInvalid('the token lacks a claim')
    const { exp, iat } = claims.data
    if (exp - iat > MAX_LIFETIME_SECONDS) throw new TokenInvalid('the token lives too long')
    if (iat > now() / 1000 + LEEWAY_SECONDS) throw new TokenInvalid('the token is from the future')
    return claims.data
  }

  return {
    async verify(token) {
      const cached = verified.get(token)
      if (cached) {
        if (cached.exp + LEEWAY_SECONDS > now() / 1000) return cached
        verified.delete(token)
        throw new TokenInvalid('the token has expired')
      }
      const claims = await check(token)
      verified.set(token, claims)
      return claims
    },
  }
}

function kidOf(token: string): string {
  try {
    const { kid } = decodeProtectedHeader(token)
    if (typeof kid === 'string') return kid
  } catch {
    throw new TokenInvalid('the token cannot be read')
  }
  throw new TokenInvalid('the token names no key')
}

async function signedPayload(token: string, set: JWTVerifyGetKey, audience: string, nowMs: number): Promise<unknown> {
  try {
    const { payload } = await jwtVerify(token, set, {
      algorithms: ALGORITHMS,
      issuer: ISSUER,
      audience,
      clockTolerance: LEEWAY_SECONDS,
      currentDate: new Date(nowMs),
      requiredClaims: ['exp', 'nbf', 'iat', 'jti'],
    })
    return payload
  } catch (err) {
    throw new TokenInvalid('the token is not valid', { cause: err })
  }
}
