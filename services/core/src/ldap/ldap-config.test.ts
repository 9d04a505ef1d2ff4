import { BadRequest } from '@berth/errors'
import { describe, expect, it } from 'vitest'
import type { Settings } from '../setting/index.ts'
import { ldapConfig, parseLdapUrl } from './ldap-config.ts'

const VALUES: Record<string, unknown> = {
  ldap_url: 'ldap.example.org',
  ldap_base_dn: 'dc=example,dc=org',
  ldap_filter: '',
  ldap_uid: 'uid',
  ldap_scope: 2,
  ldap_search_dn: '',
  ldap_search_password: '',
  ldap_timeout: 5,
  ldap_verify_cert: true,
  ldap_group_base_dn: '',
  ldap_group_admin_dn: '',
  ldap_group_attribute_name: '',
  ldap_group_search_filter: '',
  ldap_group_search_scope: 2,
  ldap_group_membership_attribute: 'memberof',
  ldap_group_attach_parallel: false,
  ldap_starttls: false,
  ldap_ca_certificate: '',
}
const configOf = (values: Record<string, unknown> = {}) =>
  ldapConfig({ get: (name: string) => ({ ...VALUES, ...values })[name] } as unknown as Settings)

describe('the address of a directory', () => {
  it.each([
    ['ldap://ldap.example.org', { host: 'ldap.example.org', port: 389, protection: 'none' }],
    ['ldaps://ldap.example.org', { host: 'ldap.example.org', port: 636, protection: 'ldaps' }],
    ['ldap.example.org:3389', { host: 'ldap.example.org', port: 3_389, protection: 'none' }],
    [' ldap://10.0.0.1:389/dc=x?uid ', { host: '10.0.0.1', port: 389, protection: 'none' }],
    ['ldaps://[fd00::1]:1636', { host: '[fd00::1]', port: 1_636, protection: 'ldaps' }],
  ])('%s', (text, expected) => {
    expect(parseLdapUrl(text, false)).toEqual(expected)
  })

  it('is asked for TLS where it has none from the start', () => {
    expect(parseLdapUrl('ldap://x', true).protection).toBe('starttls')
    expect(parseLdapUrl('ldaps://x', true).protection).toBe('ldaps')
  })

  it.each(['', 'http://x', 'ldap://', 'ldapi:///var/run/slapd', 'ldap://user:secret@x', 'ldap://x:99999'])(
    'is not %j',
    (text) => {
      expect(() => parseLdapUrl(text, false)).toThrow(BadRequest)
    },
  )
})

describe('the configuration of a directory', () => {
  it('searches for groups where people are, unless it says where groups are', () => {
    expect(configOf().groups).toMatchObject({ baseDn: 'dc=example,dc=org', isBounded: false, nameAttribute: 'cn' })
    const { groups } = configOf({ ldap_group_base_dn: 'ou=groups', ldap_group_admin_dn: 'CN=Chiefs, OU=groups' })
    expect(groups).toMatchObject({ baseDn: 'ou=groups', isBounded: true, adminDn: 'cn=chiefs,ou=groups' })
  })

  it('takes filters with and without the parentheses around them', () => {
    for (const filter of ['objectClass=person', '(objectClass=person)', ' (&(a=b)(!(c=d))) ']) {
      expect(configOf({ ldap_filter: filter }).people.filter).toBeDefined()
    }
    expect(configOf().people.filter).toBeUndefined()
  })

  it('waits a second for each step at least, and a minute at most', () => {
    expect(configOf({ ldap_timeout: 0 }).server.timeoutMs).toBe(1_000)
    expect(configOf({ ldap_timeout: 9_999 }).server.timeoutMs).toBe(60_000)
  })

  it.each([
    { ldap_base_dn: '' },
    { ldap_base_dn: 'example' },
    { ldap_uid: 'uid=*)(a' },
    { ldap_uid: '' },
    { ldap_filter: '(uid=' },
    { ldap_filter: '(uid=x))(y=z)' },
    { ldap_group_search_filter: '((' },
    { ldap_group_admin_dn: 'chiefs' },
    { ldap_group_membership_attribute: 'member of' },
  ])('is not usable with %j, and says so by the name of the setting', (values) => {
    const [name = ''] = Object.keys(values)
    expect(() => configOf(values)).toThrow(name)
    expect(() => configOf(values)).toThrow(BadRequest)
  })
})
