import { BadRequest } from '@berth/errors'
import { describe, expect, it } from 'vitest'
import { parseNewPassword, parseProfile, parseUsername } from './user.ts'

describe('a user name', () => {
  it.each(['ann', 'Ann Smith', 'ann@x.org', 'ä', 'a'.repeat(255)])('may be %s', (name) => {
    expect(parseUsername(name)).toBe(name)
  })

  it.each([undefined, '', 'a,b', 'a"b', 'a~b', 'a#b', 'a%b', 'robot$x', ' a', 'a ', 'a\nb', 'a'.repeat(256)])(
    'may not be %s',
    (name) => {
      expect(() => parseUsername(name)).toThrow(BadRequest)
    },
  )
})

describe('a password', () => {
  it.each(['Harbor12345', 'aA345678', `Aa1${'x'.repeat(125)}`])('may be %s', (password) => {
    expect(parseNewPassword(password)).toBe(password)
  })

  it.each([undefined, '', 'aA34567', 'alllower1', 'ALLUPPER1', 'NoDigitsHere', `Aa1${'x'.repeat(126)}`])(
    'may not be %s',
    (password) => {
      expect(() => parseNewPassword(password)).toThrow(BadRequest)
    },
  )
})

describe('a profile', () => {
  const good = { email: 'ann@x.org', realname: 'Ann', comment: '' }

  it('has a mail address, a name and maybe a comment', () => {
    expect(parseProfile(good)).toEqual(good)
    expect(parseProfile({ email: 'a@b', realname: 'A' })).toEqual({ email: 'a@b', realname: 'A', comment: '' })
  })

  it.each([
    { email: 'nowhere' },
    { email: 'a b@x' },
    { email: 'a@x\n' },
    { email: 'ann@x.org#3' },
    { email: `${'a'.repeat(255)}@x` },
    { realname: '' },
    { realname: 'a$b' },
    { realname: 'a'.repeat(256) },
    { comment: 'x'.repeat(31) },
  ])('refuses %o', (bad) => {
    expect(() => parseProfile({ ...good, ...bad })).toThrow(BadRequest)
  })
})
