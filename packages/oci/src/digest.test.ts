import { describe, expect, it } from 'vitest'
import {
  algorithmOf,
  DigestInvalid,
  encodedOf,
  findDigest,
  isSupported,
  parseDigest,
  parseSupportedDigest,
} from './digest.ts'

const hex64 = '0123456789abcdef'.repeat(4)

describe('a digest', () => {
  it.each([
    `sha256:${hex64}`,
    `sha512:${hex64}${hex64}`,
    `blake3:${hex64}`,
    'multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8',
    'sha256+b64u:LCa0a2j_xo_5m0U8HTBBNBNCLXBkg7-g-YpeiGJm564',
    'md5:d41d8cd98f00b204e9800998ecf8427e',
    'a:b=',
  ])('parses %s', (text) => {
    expect(parseDigest(text)).toBe(text)
    expect(findDigest(text)).toBe(text)
  })

  it.each([
    '',
    ':',
    'sha256',
    'sha256:',
    `sha256:${hex64.slice(1)}`,
    `sha256:${hex64}0`,
    `sha256:${hex64.toUpperCase()}`,
    `sha512:${hex64}`,
    `blake3:${hex64}00`,
    `SHA256:${hex64}`,
    ` sha256:${hex64}`,
    `sha256:${hex64}\n`,
    `sha256:../../${hex64.slice(6)}`,
    'md5:../../etc/passwd',
    'md5:a/b',
    'md5:a.b',
    'md5::a',
    '+md5:a',
    'md5-:a',
    'md5:ä',
    `md5:${'a'.repeat(300)}`,
  ])('refuses %j', (text) => {
    expect(() => parseDigest(text)).toThrow(DigestInvalid)
    expect(findDigest(text)).toBeUndefined()
  })

  it('is taken apart at the colon', () => {
    const digest = parseDigest('sha256+b64u:LCa0a2j_')
    expect(algorithmOf(digest)).toBe('sha256+b64u')
    expect(encodedOf(digest)).toBe('LCa0a2j_')
  })

  it('is supported for sha256 and sha512 alone', () => {
    expect(isSupported(parseDigest(`sha256:${hex64}`))).toBe(true)
    expect(isSupported(parseDigest(`sha512:${hex64}${hex64}`))).toBe(true)
    expect(isSupported(parseDigest(`blake3:${hex64}`))).toBe(false)
    expect(isSupported(parseDigest('constructor:a'))).toBe(false)
    expect(() => parseSupportedDigest('md5:00')).toThrow(DigestInvalid)
    expect(parseSupportedDigest(`sha256:${hex64}`)).toBe(`sha256:${hex64}`)
  })

  it('is quoted in the error, shortened', () => {
    const err = new DigestInvalid('x'.repeat(10_000))
    expect(err.code).toBe('DIGEST_INVALID')
    expect(JSON.stringify(err.detail).length).toBeLessThan(200)
  })
})
