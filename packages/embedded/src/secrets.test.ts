import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { derivedPassword, makePassword, weaknessOfPassword } from './secrets.ts'

describe('a made password', () => {
  it("satisfies Harbor's rule and is another each time", () => {
    const made = Array.from({ length: 200 }, makePassword)
    for (const password of made) expect(weaknessOfPassword(password)).toBeUndefined()
    expect(new Set(made).size).toBe(200)
  })
})

describe('a password', () => {
  it.each(['Sh0rt', 'nouppercase1', 'NOLOWERCASE1', 'NoDigitsHere', `A1${'a'.repeat(127)}`])(
    'such as %s is refused',
    (text) => {
      expect(weaknessOfPassword(text)).toContain('8 to 128')
    },
  )
})

describe('the passwords of parts', () => {
  it('follow from the secret key and differ from each other', () => {
    const secret = randomBytes(32).toString('base64')
    expect(derivedPassword(secret, 'nats:core')).toBe(derivedPassword(secret, 'nats:core'))
    expect(derivedPassword(secret, 'nats:core')).not.toBe(derivedPassword(secret, 'postgres:core'))
    expect(derivedPassword(secret, 'nats:core')).not.toBe(
      derivedPassword(randomBytes(32).toString('base64'), 'nats:core'),
    )
  })
})
