import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { Unavailable } from '@berth/errors'
import type { JWK } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  createVerifier,
  ISSUER,
  MAX_LIFETIME_SECONDS,
  REGISTRY_AUDIENCE,
  SUITE_AUDIENCE,
  TokenInvalid,
} from './index.ts'

const NOW = 1_795_000_000
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const foreign = generateKeyPairSync('rsa', { modulusLength: 2048 })

const jwk = (key: KeyObject, kid: string, alg: string): JWK => ({
  ...key.export({ format: 'jwk' }),
  kid,
  alg,
  use: 'sig',
})
const KEYS = [jwk(rsa.publicKey, 'rsa', 'RS256'), jwk(ec.publicKey, 'ec', 'ES256')]

let nowMs: number
beforeEach(() => {
  nowMs = NOW * 1000
})

const verifierOf = (more: Partial<Parameters<typeof createVerifier>[0]> = {}) =>
  createVerifier({ keys: async () => KEYS, audience: REGISTRY_AUDIENCE, now: () => nowMs, ...more })

const usual = {
  iss: ISSUER,
  aud: REGISTRY_AUDIENCE,
  sub: 'dev',
  exp: NOW + 1_800,
  nbf: NOW,
  iat: NOW,
  jti: 'x'.repeat(16),
  access: [{ type: 'repository', name: 'a/b', actions: ['pull'], project: 1, rev: 2 }],
}

type Signature = (text: string) => Buffer
const byRsa: Signature = (text) => sign('sha256', Buffer.from(text), rsa.privateKey)
const byEc: Signature = (text) => sign('sha256', Buffer.from(text), { key: ec.privateKey, dsaEncoding: 'ieee-p1363' })

function token(claims: object = {}, header: object = {}, signature: Signature = byRsa): string {
  const parts = [
    { alg: 'RS256', typ: 'JWT', kid: 'rsa', ...header },
    { ...usual, ...claims },
  ]
  const text = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  return `${text}.${signature(text).toString('base64url')}`
}

describe('a token', () => {
  it('is verified with the key it names, whichever algorithm it is of', async () => {
    await expect(verifierOf().verify(token())).resolves.toEqual(usual)
    await expect(verifierOf().verify(token({}, { alg: 'ES256', kid: 'ec' }, byEc))).resolves.toEqual(usual)
  })

  it('may be good for two audiences', async () => {
    const both = token({ aud: [SUITE_AUDIENCE, REGISTRY_AUDIENCE] })
    await expect(verifierOf().verify(both)).resolves.toHaveProperty('sub')
    await expect(verifierOf({ audience: SUITE_AUDIENCE }).verify(both)).resolves.toHaveProperty('sub')
  })

  const publicPem = rsa.publicKey.export({ type: 'spki', format: 'pem' })
  const hs256 =
    (secret: string | Buffer): Signature =>
    (text) =>
      createHmac('sha256', secret).update(text).digest()
  const byForeign: Signature = (text) => sign('sha256', Buffer.from(text), foreign.privateKey)
  const foreignJwk = foreign.publicKey.export({ format: 'jwk' })

  it.each<[string, string]>([
    ['is not signed (alg none)', token({}, { alg: 'none' }, () => Buffer.alloc(0))],
    ['is not signed and names no key', token({}, { alg: 'none', kid: undefined }, () => Buffer.alloc(0))],
    ['is signed with HS256 and the public key', token({}, { alg: 'HS256' }, hs256(publicPem))],
    ['is signed with HS256 and the modulus', token({}, { alg: 'HS256' }, hs256(String(KEYS[0]?.n)))],
    ['brings its own key (jwk)', token({}, { jwk: foreignJwk }, byForeign)],
    ['brings its own certificate (x5c)', token({}, { x5c: ['MIIB'] }, byForeign)],
    ['says where its key is (jku)', token({}, { jku: 'http://127.0.0.1:1/keys' }, byForeign)],
    ['brings its own key under a name of its own', token({}, { jwk: foreignJwk, kid: 'mine' }, byForeign)],
    ['names an unknown key', token({}, { kid: 'gone' })],
    ['names no key', token({}, { kid: undefined })],
    ['names a key of another algorithm', token({}, { kid: 'ec' })],
    [
      'claims another algorithm of the family',
      token({}, { alg: 'RS512' }, (text) => sign('sha512', Buffer.from(text), rsa.privateKey)),
    ],
    ['demands what we do not understand (crit)', token({}, { crit: ['exp2'], exp2: 1 })],
    ['is for another audience', token({ aud: 'berth' })],
    ['is for nobody', token({ aud: undefined })],
    ['is from another issuer', token({ iss: 'somebody-else' })],
    ['begins later', token({ nbf: NOW + 61 })],
    ['was issued in the future', token({ iat: NOW + 61, nbf: NOW })],
    ['has expired by the leeway and a second', token({ exp: NOW - 61, iat: NOW - 900, nbf: NOW - 900 })],
    ['says not when it was issued', token({ iat: undefined })],
    ['says not when it ends', token({ exp: undefined })],
    ['has no id', token({ jti: undefined })],
    ['lives longer than any may', token({ exp: NOW + MAX_LIFETIME_SECONDS + 1 })],
    ['says not what it allows, as a refresh token', token({ access: undefined, typ: 'Refresh' })],
    ['allows a thousand and one things', token({ access: Array.from({ length: 1_001 }, () => usual.access[0]) })],
    ['is changed by a letter', token().replace(/\.(.)/, (_, letter) => `.${letter === 'e' ? 'f' : 'e'}`)],
    ['is signed by another token', `${token().split('.').slice(0, 2).join('.')}.${token({ sub: 'x' }).split('.')[2]}`],
    ['is no token', 'abc'],
    ['is nothing', ''],
  ])('is refused when it %s', async (_, text) => {
    await expect(verifierOf().verify(text)).rejects.toThrow(TokenInvalid)
  })

  it('is refused unread when it is 64 KiB long', async () => {
    const long = token({
      access: Array.from({ length: 900 }, (_, n) => ({ ...usual.access[0], name: `a/${'b'.repeat(20)}${n}` })),
    })
    expect(long.length).toBeGreaterThan(64 * 1024)
    const verifier = verifierOf({ keys: () => Promise.reject(new Error('asked for keys')) })
    await expect(verifier.verify(long)).rejects.toThrow('the token is too long')
  })

  it('is good up to the leeway and no longer, also when it was verified before', async () => {
    const verifier = verifierOf()
    const text = token()
    await verifier.verify(text)
    nowMs = (usual.exp + 59) * 1000
    await expect(verifier.verify(text)).resolves.toHaveProperty('sub')
    await expect(verifierOf().verify(text)).resolves.toHaveProperty('sub')
    nowMs = (usual.exp + 61) * 1000
    await expect(verifier.verify(text)).rejects.toThrow(TokenInvalid)
    await expect(verifierOf().verify(text)).rejects.toThrow(TokenInvalid)
  })

  it('says nothing about itself when it is refused', async () => {
    const text = token({ sub: 'very-secret-name', iss: 'x' })
    await expect(verifierOf().verify(text)).rejects.toSatisfy((err: Error) => !/very-secret-name|eyJ/.test(String(err)))
  })
})

describe('the keys', () => {
  it('are asked for once by however many wait', async () => {
    let asked = 0
    const verifier = verifierOf({
      keys: async () => {
        asked++
        return KEYS
      },
    })
    await Promise.all(Array.from({ length: 20 }, (_, n) => verifier.verify(token({ sub: `u${n}` }))))
    expect(asked).toBe(1)
  })

  it('are asked for again when a token names a new one, but not for every made-up name', async () => {
    let asked = 0
    let list = [KEYS[1]!]
    const verifier = verifierOf({
      keys: async () => {
        asked++
        return list
      },
    })
    await expect(verifier.verify(token())).rejects.toThrow(TokenInvalid)
    for (let n = 0; n < 20; n++)
      await expect(verifier.verify(token({}, { kid: `k${n}` }))).rejects.toThrow(TokenInvalid)
    expect(asked).toBe(1)
    list = KEYS
    nowMs += 5_001
    await expect(verifier.verify(token())).resolves.toHaveProperty('sub')
    expect(asked).toBe(2)
  })

  it('that are known go on verifying while nobody can be asked', async () => {
    let isAway = false
    const verifier = verifierOf({
      keys: () => (isAway ? Promise.reject(new Unavailable('token cannot be reached')) : Promise.resolve(KEYS)),
    })
    await verifier.verify(token())
    isAway = true
    nowMs += 60_000
    await expect(verifier.verify(token({ sub: 'other' }))).resolves.toHaveProperty('sub')
    await expect(verifier.verify(token({}, { kid: 'new' }))).rejects.toThrow(TokenInvalid)
  })

  it('that nobody could be asked for yet make no token wrong', async () => {
    let isAway = true
    const verifier = verifierOf({
      keys: () => (isAway ? Promise.reject(new Unavailable('token cannot be reached')) : Promise.resolve(KEYS)),
    })
    await expect(verifier.verify(token())).rejects.toThrow(Unavailable)
    isAway = false
    await expect(verifier.verify(token())).resolves.toHaveProperty('sub')
  })
})
