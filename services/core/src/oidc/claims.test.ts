import { describe, expect, it } from 'vitest'
import { personOf, tellGroups } from './claims.ts'

const identity = { issuer: 'https://id.example', subject: '1' }
const settings = { userClaim: '', groupsClaim: 'groups', adminGroup: '', groupFilter: '' }

describe('who the claims describe', () => {
  it('is named by the claim name, with spaces closed', () => {
    const person = personOf(identity, { idToken: { name: ' Ann Bee ', email: 'ann@x.org' } }, settings)
    expect(person).toMatchObject({ ...identity, provider: 'oidc', username: 'Ann_Bee', email: 'ann@x.org' })
    expect(person.realname).toBe('Ann Bee')
    expect(personOf(identity, { idToken: { preferred_username: 'ann' } }, settings).username).toBe('ann')
  })

  it('is named by the configured claim, and by no other when it is missing', () => {
    const byLogin = { ...settings, userClaim: 'login' }
    expect(personOf(identity, { idToken: { login: 'ab', name: 'Ann' } }, byLogin).username).toBe('ab')
    expect(personOf(identity, { idToken: { name: 'admin' } }, byLogin).username).toBe('')
    expect(personOf(identity, { idToken: { login: ['ab'] } }, byLogin).username).toBe('')
  })

  it('is who the ID token is of, whatever the userinfo endpoint calls them', () => {
    const userInfo = { iss: 'https://other.example', sub: '2', name: 'Remote', groups: ['remote'] }
    const person = personOf(identity, { idToken: { name: 'Local', groups: ['local'] }, userInfo }, settings)
    expect(person).toMatchObject({ ...identity, username: 'Remote', groups: [{ name: 'remote' }] })
  })

  it('has the groups of the claim: a list, or one', () => {
    const groups = (value: unknown) => personOf(identity, { idToken: { groups: value } }, settings).groups
    expect(groups(['a', 7, null, 'b'])).toEqual([{ name: 'a' }, { name: 'b' }])
    expect(groups('a')).toEqual([{ name: 'a' }])
    expect(groups({ a: true })).toEqual([])
    expect(personOf(identity, { idToken: { groups: ['a'] } }, { ...settings, groupsClaim: '' }).groups).toEqual([])
  })

  it('administers by the admin group alone, filtered or not', () => {
    const sources = { idToken: { groups: ['ops', 'dev'] } }
    const admin = (changes: object) => personOf(identity, sources, { ...settings, ...changes })
    expect(admin({ adminGroup: 'ops', groupFilter: '^dev$' })).toMatchObject({
      groupAdmin: true,
      groups: [{ name: 'dev' }],
    })
    expect(admin({ adminGroup: 'op' }).groupAdmin).toBe(false)
    expect(admin({ adminGroup: '' }).groupAdmin).toBe(false)
    expect(personOf(identity, { idToken: { groups: [''] } }, settings).groupAdmin).toBe(false)
  })
})

describe('what is known of groups after a refresh', () => {
  it('is what a new ID token says, or a userinfo endpoint that names them', () => {
    expect(tellGroups({ idToken: {} }, 'groups')).toBe(true)
    expect(tellGroups({ userInfo: { groups: [] } }, 'groups')).toBe(true)
    expect(tellGroups({ userInfo: {} }, 'groups')).toBe(false)
    expect(tellGroups({}, 'groups')).toBe(false)
  })
})
