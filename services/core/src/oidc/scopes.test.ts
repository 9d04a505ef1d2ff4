import { describe, expect, it } from 'vitest'
import { authorizationParameters } from './scopes.ts'

const endpoint = 'https://id.example/auth'

describe('what is asked of the provider', () => {
  it('is the scopes, openid always among them, once', () => {
    const scope = (text: string) => authorizationParameters(endpoint, { scope: text, extraParameters: {} }).scope
    expect(scope('')).toBe('openid')
    expect(scope('openid,email, offline_access,email')).toBe('openid email offline_access')
  })

  it('takes parameters along, and lets none replace the scopes', () => {
    const extraParameters = { prompt: 'consent', scope: 'none' }
    expect(authorizationParameters(endpoint, { scope: 'email', extraParameters })).toEqual({
      prompt: 'consent',
      scope: 'openid email',
    })
  })

  it('is said to Google in its own words', () => {
    const google = 'https://accounts.google.com/o/oauth2/v2/auth'
    expect(authorizationParameters(google, { scope: 'offline_access', extraParameters: {} })).toEqual({
      access_type: 'offline',
      prompt: 'consent',
      scope: 'openid',
    })
  })
})
