import { describe, expect, it } from 'vitest'
import { parseDigest } from './digest.ts'
import { createHasher, digestOf } from './hasher.ts'
import { EMPTY_JSON_DIGEST } from './media-types.ts'

describe('hashing', () => {
  it('gives the known digests', () => {
    expect(digestOf('{}')).toBe(EMPTY_JSON_DIGEST)
    expect(digestOf(new Uint8Array())).toBe('sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
    expect(digestOf('abc', 'sha512')).toBe(
      'sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
    )
  })

  it.each(['sha256', 'sha512'] as const)('in pieces equals hashing at once with %s', (algorithm) => {
    const hasher = createHasher(algorithm)
    hasher.update(Buffer.from('hello, '))
    hasher.update(Buffer.from('world'))
    const digest = hasher.digest()
    expect(digest).toBe(digestOf('hello, world', algorithm))
    expect(parseDigest(digest)).toBe(digest)
  })

  it('goes on by itself after a copy', () => {
    const hasher = createHasher()
    hasher.update(Buffer.from('a'))
    const copy = hasher.copy()
    copy.update(Buffer.from('b'))
    expect(copy.digest()).toBe(digestOf('ab'))
    expect(hasher.digest()).toBe(digestOf('a'))
    expect(copy.algorithm).toBe('sha256')
  })
})
