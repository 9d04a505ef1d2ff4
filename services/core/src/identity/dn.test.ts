import { describe, expect, it } from 'vitest'
import { findDn, leafOf } from './dn.ts'

describe('a distinguished name', () => {
  it.each([
    ['CN=Devs, OU=Groups ,DC=Example,DC=Org', 'cn=devs,ou=groups,dc=example,dc=org'],
    ['cn=a  b,dc=x', 'cn=a b,dc=x'],
    ['cn=Doe\\, John,dc=x', 'cn=doe\\, john,dc=x'],
    ['cn=Doe\\2C John,dc=x', 'cn=doe\\, john,dc=x'],
    ['cn="Doe, John",dc=x', 'cn=doe\\, john,dc=x'],
    ['cn=M\\C3\\BCller,dc=x', 'cn=müller,dc=x'],
    ['cn=MÜLLER,dc=x', 'cn=müller,dc=x'],
    ['uid=b+cn=a,dc=x', 'cn=a+uid=b,dc=x'],
    ['OID.2.5.4.3=a', '2.5.4.3=a'],
    ['cn=\u{1F680},dc=x', 'cn=\u{1F680},dc=x'],
    ['cn=a\\ ,dc=x', 'cn=a,dc=x'],
  ])('%s is %s', (text, normal) => {
    expect(findDn(text)).toBe(normal)
    expect(findDn(normal)).toBe(normal)
  })

  it.each(['', ' ', 'no name', 'cn', '=x', 'cn=a,,dc=x', 'cn=a\\', 'cn=a\\00b', `cn=${'x'.repeat(2_000)}`])(
    '%j is none',
    (text) => {
      expect(findDn(text)).toBeUndefined()
    },
  )

  it('never takes an escaped separator for one that parts names', () => {
    expect(findDn('cn=a\\,cn=b,dc=x')).not.toBe(findDn('cn=a,cn=b,dc=x'))
  })

  it('has a leaf that can stand for it', () => {
    expect(leafOf('CN=Doe\\, John,DC=x')).toBe('Doe, John')
    expect(leafOf('cn=devs')).toBe('devs')
  })
})
