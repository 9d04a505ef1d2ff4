import { createLocalJWKSet, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { subjectOfIdToken } from './id-token.ts'

const ISSUER = 'https://id.example'
const expected = { issuer: ISSUER, clientId: 'berth', leewaySeconds: 30 }
const now = () => Math.floor(Date.now() / 1_000)

let keys: ReturnType<typeof createLocalJWKSet>
let pair: Awaited<ReturnType<typeof generateKeyPair>>
let other: Awaited<ReturnType<typeof generateKeyPair>>
let publicJwk: Awaited<ReturnType<typeof exportJWK>>

beforeAll(async () => {
  pair = await generateKeyPair('RS256')
  other = await generateKeyPair('RS256')
  publicJwk = await exportJWK(pair.publicKey)
  keys = createLocalJWKSet({ keys: [{ ...publicJwk, kid: 'k', alg: 'RS256', use: 'sig' }] })
})

const claims = (changes: JWTPayload = {}): JWTPayload => ({
  iss: ISSUER,
  sub: 'ann',
  aud: 'berth',
  iat: now(),
  exp: now() + 60,
  ...changes,
})

async function subjectOf(
  changes: JWTPayload = {},
  {
    header = {},
    key = pair.privateKey,
  }: { header?: Record<string, unknown>; key?: typeof pair.privateKey | Uint8Array } = {},
): Promise<string | undefined> {
  const signer = new SignJWT(claims(changes)).setProtectedHeader({ alg: 'RS256', kid: 'k', ...header })
  return subjectOfIdToken(await signer.sign(key), keys, expected)
}

describe('the subject of an ID token', () => {
  it('is told when the provider signed it for us and now', async () => {
    expect(await subjectOf()).toBe('ann')
    expect(await subjectOf({}, { header: { typ: 'JWT' } })).toBe('ann')
    expect(await subjectOf({ exp: now() - 10 })).toBe('ann')
    expect(await subjectOf({ aud: ['berth', 'other'], azp: 'berth' })).toBe('ann')
  })

  it.each<[string, JWTPayload]>([
    ['another audience', { aud: 'other' }],
    ['another issuer', { iss: 'https://evil.example' }],
    ['an end in the past', { exp: now() - 31 }],
    ['a beginning in the future', { nbf: now() + 90 }],
    ['no time of issue', { iat: undefined }],
    ['no end', { exp: undefined }],
    ['no subject', { sub: undefined }],
    ['several audiences and nobody named', { aud: ['berth', 'other'] }],
    ['another party it was issued to', { azp: 'other' }],
    ['the events of a logout token', { events: { 'http://schemas.openid.net/event/backchannel-logout': {} } }],
  ])('is not told with %s', async (_what, changes) => {
    expect(await subjectOf(changes)).toBeUndefined()
  })

  it('is not told by another key, nor by one the token brings along', async () => {
    expect(await subjectOf({}, { key: other.privateKey })).toBeUndefined()
    expect(await subjectOf({}, { header: { kid: 'unknown' }, key: other.privateKey })).toBeUndefined()
    const jwk = await exportJWK(other.publicKey)
    expect(await subjectOf({}, { header: { jwk }, key: other.privateKey })).toBeUndefined()
  })

  it('is not told by a shared secret, such as the public key itself, nor without a signature', async () => {
    const secret = new TextEncoder().encode(JSON.stringify(publicJwk))
    expect(await subjectOf({}, { header: { alg: 'HS256' }, key: secret })).toBeUndefined()
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const unsigned = `${part({ alg: 'none', kid: 'k' })}.${part(claims())}.`
    expect(await subjectOfIdToken(unsigned, keys, expected)).toBeUndefined()
  })

  it('is not told by access and logout tokens, by what is no token, nor by endless ones', async () => {
    expect(await subjectOf({}, { header: { typ: 'at+jwt' } })).toBeUndefined()
    expect(await subjectOf({}, { header: { typ: 'logout+jwt' } })).toBeUndefined()
    for (const text of ['', 'a.b.c', 'x'.repeat(70_000)]) {
      expect(await subjectOfIdToken(text, keys, expected)).toBeUndefined()
    }
  })

  it('is neither told nor denied while the keys cannot be read', async () => {
    const away = () => Promise.reject(new TypeError('fetch failed'))
    const token = await new SignJWT(claims()).setProtectedHeader({ alg: 'RS256', kid: 'k' }).sign(pair.privateKey)
    await expect(subjectOfIdToken(token, away, expected)).rejects.toThrow('fetch failed')
  })
})
