import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createSeal } from '../secret/seal.ts'
import { findLogin, LOGIN_MS, sealLogin } from './login-cookie.ts'

describe('the cookie of a sign-in under way', () => {
  const seal = createSeal(randomBytes(32))
  const login = {
    state: 's',
    nonce: 'n',
    verifier: 'the verifier',
    redirectUri: 'http://x/c/oidc/callback',
    returnTo: '/?>~',
    provider: 'p',
    startedAt: 1_000,
  }

  it('comes back as it went, and shows nothing', () => {
    for (let round = 0; round < 20; round++) {
      const cookie = sealLogin(seal, login)
      expect(cookie).toMatch(/^[\w.-]+$/)
      expect(Buffer.from(cookie, 'base64url').toString('latin1')).not.toContain('verifier')
      expect(findLogin(seal, cookie, 1_000)).toEqual(login)
    }
  })

  it('is worth nothing when it is old, changed, missing or of another key', () => {
    const cookie = sealLogin(seal, login)
    expect(findLogin(seal, cookie, 1_000 + LOGIN_MS)).toBeUndefined()
    expect(findLogin(seal, `${cookie.slice(0, -2)}AA`, 1_000)).toBeUndefined()
    expect(findLogin(seal, undefined)).toBeUndefined()
    expect(findLogin(seal, '')).toBeUndefined()
    expect(findLogin(seal, 'x'.repeat(9_000))).toBeUndefined()
    expect(findLogin(createSeal(randomBytes(32)), cookie, 1_000)).toBeUndefined()
    expect(findLogin(seal, seal.close(JSON.stringify(login), 'something else'), 1_000)).toBeUndefined()
  })
})
