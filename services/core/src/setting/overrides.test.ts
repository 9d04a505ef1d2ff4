import { SettingInvalid } from '@berth/runtime'
import { describe, expect, it } from 'vitest'
import { overriddenBy, readOverrides } from './overrides.ts'

describe('settings in the environment', () => {
  it('go by the names Harbor has for them, and an empty one is none', () => {
    const overrides = readOverrides({ READ_ONLY: 'true', LDAP_UID: 'uid', TOKEN_EXPIRATION: '', PATH: '/bin' })
    expect([...overrides.values]).toEqual([
      ['ldap_uid', 'uid'],
      ['read_only', true],
    ])
    expect(overrides.all).toBe(false)
    expect(overriddenBy(overrides, 'read_only')).toBe('READ_ONLY')
    expect(overriddenBy(overrides, 'auth_mode')).toBeUndefined()
  })

  it('are locked as a whole by CONFIG_OVERWRITE_JSON, which goes before the single ones', () => {
    const overrides = readOverrides({
      TOKEN_EXPIRATION: '10',
      CONFIG_OVERWRITE_JSON:
        '{"token_expiration": 20, "self_registration": "true", "oidc_extra_redirect_parms": {"a": "b"}}',
    })
    expect(Object.fromEntries(overrides.values)).toEqual({
      token_expiration: 20,
      self_registration: true,
      oidc_extra_redirect_parms: { a: 'b' },
    })
    expect(overriddenBy(overrides, 'banner_message')).toBe('CONFIG_OVERWRITE_JSON')
  })

  it.each([
    [{ READ_ONLY: 'maybe' }, 'READ_ONLY: must be true or false'],
    [{ TOKEN_EXPIRATION: '0' }, 'TOKEN_EXPIRATION: must be at least 1'],
    [{ AUTH_MODE: 'http_auth' }, 'AUTH_MODE: http_auth and uaa_auth come with a later version'],
    [{ CONFIG_OVERWRITE_JSON: '{' }, 'CONFIG_OVERWRITE_JSON: must be JSON'],
    [{ CONFIG_OVERWRITE_JSON: '[1]' }, 'CONFIG_OVERWRITE_JSON: must be a JSON object'],
    [{ CONFIG_OVERWRITE_JSON: '{"no_such":1}' }, 'CONFIG_OVERWRITE_JSON: has no setting no_such'],
    [{ CONFIG_OVERWRITE_JSON: '{"ldap_scope":9}' }, 'CONFIG_OVERWRITE_JSON: ldap_scope must be 0, 1 or 2'],
  ])('end the start when one is wrong: %j', (env, words) => {
    expect(() => readOverrides(env)).toThrow(SettingInvalid)
    expect(() => readOverrides(env)).toThrow(words)
  })

  it('never show what is wrong', () => {
    const env = { CONFIG_OVERWRITE_JSON: '{"ldap_search_password": ["canary"], "ldap_url": "canary here"}' }
    expect(() => readOverrides(env)).not.toThrow(/canary/)
  })
})
