import { describe, expect, it } from 'vitest'
import { rowOf, type SettingName } from './table.ts'

const fits = (name: SettingName, value: unknown) => rowOf(name).kind.shape.safeParse(value).success
const complaint = (name: SettingName, value: unknown) =>
  rowOf(name).kind.shape.safeParse(value).error?.issues[0]?.message

const PEM = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'

describe('a value of a setting', () => {
  it.each<[SettingName, unknown]>([
    ['auth_mode', 'ldap_auth'],
    ['token_expiration', 9_999_999_999],
    ['session_timeout', 1],
    ['storage_per_project', -1],
    ['storage_per_project', 1024 * 2 ** 40],
    ['ldap_scope', 0],
    ['ldap_url', 'ldaps://directory.example:636'],
    ['ldap_url', 'directory.example'],
    ['ldap_url', 'ldap://[::1]:389'],
    ['ldap_ca_certificate', PEM],
    ['ldap_ca_certificate', ''],
    ['oidc_endpoint', 'https://id.example/realms/one'],
    ['oidc_endpoint', ''],
    ['oidc_group_filter', '^registry-'],
    ['oidc_group_filter', '(?i)^registry-'],
    ['oidc_extra_redirect_parms', '{"prompt":"login"}'],
    ['oidc_extra_redirect_parms', ''],
    ['audit_log_forward_endpoint', 'tls://logs.example:6514'],
    ['audit_log_forward_endpoint', ''],
    ['disabled_audit_log_event_types', 'create_user, delete_immutable-tag'],
    ['scan_all_policy', { type: 'none' }],
    ['banner_message', '{"message":"<b>hello</b>"}'],
    ['read_only', true],
  ])('%s takes %j', (name, value) => {
    expect(fits(name, value)).toBe(true)
  })

  it.each<[SettingName, unknown]>([
    ['auth_mode', 'other'],
    ['token_expiration', 0],
    ['token_expiration', 10_000_000_000],
    ['token_expiration', '30'],
    ['token_expiration', 1.5],
    ['robot_token_duration', -1],
    ['session_timeout', Number.NaN],
    ['storage_per_project', 0],
    ['storage_per_project', -2],
    ['storage_per_project', 1024 * 2 ** 40 + 1],
    ['ldap_scope', 3],
    ['ldap_timeout', 3_601],
    ['ldap_url', ''],
    ['ldap_url', 'http://directory.example'],
    ['ldap_url', 'ldap://user:password@directory.example'],
    ['ldap_base_dn', ' '],
    ['ldap_uid', ''],
    ['robot_name_prefix', ''],
    ['ldap_ca_certificate', 'no PEM'],
    ['oidc_endpoint', 'javascript:alert(1)'],
    ['oidc_endpoint', 'id.example'],
    ['oidc_group_filter', '('],
    ['oidc_extra_redirect_parms', '{"prompt":1}'],
    ['oidc_extra_redirect_parms', '[]'],
    ['oidc_extra_redirect_parms', 'prompt=login'],
    ['audit_log_forward_endpoint', 'udp://logs.example:514'],
    ['disabled_audit_log_event_types', 'create user; drop'],
    ['scan_all_policy', { type: 'daily' }],
    ['project_creation_restriction', 'nobody'],
    ['read_only', 'true'],
    ['banner_message', 'x'.repeat(20_000)],
    ['banner_message', null],
  ])('%s refuses %j', (name, value) => {
    expect(fits(name, value)).toBe(false)
  })

  it('is refused with a clear text where it comes with a later version', () => {
    for (const mode of ['http_auth', 'uaa_auth'])
      expect(complaint('auth_mode', mode)).toMatch(/come with a later version/)
    expect(complaint('scan_all_policy', { type: 'daily' })).toMatch(/comes with a later version/)
  })

  it('never stands in what is said about it', () => {
    const canary = 'canary-of-a-secret'
    for (const name of ['ldap_url', 'oidc_endpoint', 'auth_mode', 'oidc_extra_redirect_parms'] as const) {
      expect(complaint(name, `not ${canary}`)).not.toContain(canary)
    }
  })
})

describe('a text of the environment', () => {
  const read = (name: SettingName, text: string) => {
    const { kind } = rowOf(name)
    return kind.shape.safeParse(kind.ofText(text)).data
  }

  it('is read as what the setting is', () => {
    expect(['true', 'YES', '1', 'false', 'no', '0'].map((text) => read('read_only', text))).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
    ])
    expect(read('token_expiration', ' 45 ')).toBe(45)
    expect(read('storage_per_project', '-1')).toBe(-1)
    expect(read('banner_message', '7')).toBe('7')
    expect(read('oidc_extra_redirect_parms', '{"a":"b"}')).toEqual({ a: 'b' })
  })

  it('is nothing where it cannot be', () => {
    expect(read('read_only', 'maybe')).toBeUndefined()
    expect(read('token_expiration', '30m')).toBeUndefined()
    expect(read('token_expiration', '')).toBeUndefined()
  })
})
