import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { createSeal, SecretUnreadable } from './seal.ts'

it('gives a secret back for the purpose it was closed for, and to the same key only', () => {
  const key = randomBytes(32)
  const sealed = createSeal(key).close('pässword', 'setting x')
  expect(sealed).not.toContain('word')
  expect(createSeal(key).open(sealed, 'setting x')).toBe('pässword')
  expect(() => createSeal(key).open(sealed, 'setting y')).toThrow(SecretUnreadable)
  expect(() => createSeal(randomBytes(32)).open(sealed, 'setting x')).toThrow(SecretUnreadable)
  expect(() => createSeal(key).open('', 'setting x')).toThrow(SecretUnreadable)
})
