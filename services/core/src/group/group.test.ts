import { BadRequest } from '@berth/errors'
import { describe, expect, it } from 'vitest'
import { parseNewGroup, toGroupBody } from './group.ts'

describe('a new group', () => {
  it('of a provider is a name', () => {
    const raw = { group_name: ' devs ', group_type: 3, ldap_group_dn: 'cn=ignored,dc=x' }
    expect(parseNewGroup(raw)).toEqual({ kind: 3, name: 'devs', ldapDn: null })
    expect(parseNewGroup({ group_name: 'devs', group_type: 2 })).toEqual({ kind: 2, name: 'devs', ldapDn: null })
  })

  it('of a directory is a distinguished name in one form, and is called as said or as it is there', () => {
    const dn = 'CN=Devs , OU=Groups,DC=x'
    expect(parseNewGroup({ group_name: 'us', group_type: 1, ldap_group_dn: dn })).toEqual({
      kind: 1,
      name: 'us',
      ldapDn: 'cn=devs,ou=groups,dc=x',
    })
    expect(parseNewGroup({ group_type: 1, ldap_group_dn: dn })).toMatchObject({ name: 'Devs' })
  })

  it.each([
    {},
    { group_name: 'devs' },
    { group_name: 'devs', group_type: 0 },
    { group_name: 'devs', group_type: 4 },
    { group_type: 3 },
    { group_name: ' ', group_type: 3 },
    { group_name: 'a\0b', group_type: 3 },
    { group_name: 'x'.repeat(256), group_type: 3 },
    { group_name: 'devs', group_type: 1 },
    { group_name: 'devs', group_type: 1, ldap_group_dn: 'no dn' },
  ])('cannot be %o', (raw) => {
    expect(() => parseNewGroup(raw)).toThrow(BadRequest)
  })

  it('is shown with a distinguished name only if it has one', () => {
    expect(toGroupBody({ id: 1, kind: 3, name: 'devs', ldapDn: null })).toEqual({
      id: 1,
      group_name: 'devs',
      group_type: 3,
    })
  })
})
