import { BadRequest } from '@berth/errors'
import { describe, expect, it } from 'vitest'
import { basicChallenge, bearerChallenge, ChallengeInvalid, parseChallenges } from './challenge.ts'

const realm = 'https://berth.example/service/token'
const service = 'harbor-registry'

describe('writing a challenge', () => {
  it('writes what docker reads', () => {
    expect(bearerChallenge({ realm, service })).toBe(`Bearer realm="${realm}",service="harbor-registry"`)
    expect(bearerChallenge({ realm, service, scope: 'repository:a/b:pull,push', error: 'invalid_token' })).toBe(
      `Bearer realm="${realm}",service="harbor-registry",scope="repository:a/b:pull,push",error="invalid_token"`,
    )
    expect(basicChallenge('harbor')).toBe('Basic realm="harbor"')
  })

  it('escapes quotes and backslashes, so nothing breaks out of its value', () => {
    const header = bearerChallenge({ realm: 'http://a",realm="http://evil\\', service })
    expect(parseChallenges(header)).toEqual([
      { scheme: 'bearer', params: { realm: 'http://a",realm="http://evil\\', service } },
    ])
  })

  it.each(['a\r\nSet-Cookie: x', 'a\u0000', 'ü', 'a\tb', '\u007f'])('refuses the realm %j', (text) => {
    expect(() => bearerChallenge({ realm: text, service })).toThrow(BadRequest)
    expect(() => basicChallenge(text)).toThrow(BadRequest)
  })
})

describe('reading challenges', () => {
  it.each([
    [
      `Bearer realm="${realm}",service="s",scope="a b"`,
      [{ scheme: 'bearer', params: { realm, service: 's', scope: 'a b' } }],
    ],
    ['bearer  Realm = "x" , Service=y', [{ scheme: 'bearer', params: { realm: 'x', service: 'y' } }]],
    ['Basic', [{ scheme: 'basic', params: {} }]],
    ['Basic realm="a, b=\\"c\\""', [{ scheme: 'basic', params: { realm: 'a, b="c"' } }]],
    ['Basic realm=""', [{ scheme: 'basic', params: { realm: '' } }]],
    [
      'Bearer realm="x",service="y", Basic realm="z"',
      [
        { scheme: 'bearer', params: { realm: 'x', service: 'y' } },
        { scheme: 'basic', params: { realm: 'z' } },
      ],
    ],
    [
      'Negotiate, NTLM abc+/==, Basic realm=z',
      [
        { scheme: 'negotiate', params: {} },
        { scheme: 'ntlm', params: {} },
        { scheme: 'basic', params: { realm: 'z' } },
      ],
    ],
    [', ,Basic realm=z,, ', [{ scheme: 'basic', params: { realm: 'z' } }]],
    ['', []],
  ])('reads %j', (header, challenges) => {
    expect(parseChallenges(header)).toEqual(challenges)
  })

  it.each([
    '=',
    'a=b',
    'Bearer realm="x',
    'Bearer realm="x\\',
    'Bearer realm="x" service="y"',
    'Bearer realm="x",realm="y"',
    'Bearer realm="x",Realm="y"',
    'Basic Bearer realm="x"',
    'Bearer realm=(x)',
    'Bearer "x"',
    'a, '.repeat(17),
    'a'.repeat(8193),
    `Bearer ${'a'.repeat(8000)}(`,
  ])('refuses %.40j', (header) => {
    expect(() => parseChallenges(header)).toThrow(ChallengeInvalid)
  })

  it('keeps a parameter named like a member of every object', () => {
    const params = parseChallenges('Bearer __proto__="x"')[0]?.params
    expect(params && Object.getPrototypeOf(params)).toBe(Object.prototype)
    expect(params && Object.hasOwn(params, '__proto__')).toBe(true)
  })
})
