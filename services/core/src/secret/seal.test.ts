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

it('never looks the same twice', () => {
  const seal = createSeal(randomBytes(32))
  expect(seal.close('x', 'setting x')).not.toBe(seal.close('x', 'setting x'))
})

it('opens what the previous key closed, closes under the new one, and tells the two apart', () => {
  const [before, after] = [randomBytes(32), randomBytes(32)]
  const old = createSeal(before).close('secret', 'setting x')
  const rotating = createSeal(after, before)
  expect(rotating.open(old, 'setting x')).toBe('secret')
  expect(rotating.isCurrent(old)).toBe(false)
  const fresh = rotating.close('secret', 'setting x')
  expect(rotating.isCurrent(fresh)).toBe(true)
  expect(fresh.startsWith(rotating.mark)).toBe(true)
  expect(createSeal(after).open(fresh, 'setting x')).toBe('secret')
  expect(() => createSeal(after).open(old, 'setting x')).toThrow(SecretUnreadable)
})

it('refuses bytes that were changed', () => {
  const seal = createSeal(randomBytes(32))
  const sealed = seal.close('secret', 'setting x')
  const at = sealed.length - 4
  const changed = `${sealed.slice(0, at)}${sealed[at] === 'A' ? 'B' : 'A'}${sealed.slice(at + 1)}`
  expect(() => seal.open(changed, 'setting x')).toThrow(SecretUnreadable)
})
