import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { parseSettings, SettingInvalid, secretKeySetting } from './settings.ts'

const Shape = z.object({ BERTH_SECRET_KEY: secretKeySetting })
const load = (key: Buffer) => parseSettings(Shape, { BERTH_SECRET_KEY: key.toString('base64') }).BERTH_SECRET_KEY

describe('the secret key', () => {
  it('is taken when chance made it', () => {
    const key = randomBytes(32)
    expect(load(key).equals(key)).toBe(true)
  })

  it.each([
    ['all zeroes', Buffer.alloc(32)],
    ['a text from an example', Buffer.from('not-a-secure-key-not-a-secure-ke')],
    ['a sentence', Buffer.from('correct horse battery staple, 32')],
    ['a row of numbers', Buffer.from(Array.from({ length: 32 }, (_, n) => n))],
    ['too short', randomBytes(31)],
  ])('is refused when it is %s, without being shown', (_, key) => {
    expect(() => load(key)).toThrow(SettingInvalid)
    try {
      load(key)
    } catch (err) {
      expect(String(err)).toContain('BERTH_SECRET_KEY')
      expect(String(err)).not.toContain(key.toString('base64'))
    }
  })
})
