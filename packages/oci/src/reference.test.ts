import { describe, expect, it } from 'vitest'
import { DigestInvalid } from './digest.ts'
import { formatReference, ManifestUnknown, parseReference, unknownWhenReading } from './reference.ts'
import { findTag, parseTag, TagInvalid } from './tag.ts'

const digest = `sha256:${'a'.repeat(64)}`

describe('a tag', () => {
  it.each(['latest', '1.27', '_x', 'V1.0-rc.1', 'a'.repeat(128), '0', 'a..b'])('may be %s', (text) => {
    expect(parseTag(text)).toBe(text)
    expect(findTag(text)).toBe(text)
  })

  it.each(['', '.', '..', '-a', '.a', 'a/b', 'a b', 'a:b', 'a\n', 'ä', 'a%2e', 'a'.repeat(129)])(
    'may not be %j',
    (text) => {
      expect(() => parseTag(text)).toThrow(TagInvalid)
      expect(findTag(text)).toBeUndefined()
    },
  )
})

describe('a reference', () => {
  it('is a digest when it has a colon, else a tag', () => {
    expect(parseReference(digest)).toEqual({ kind: 'digest', digest })
    expect(parseReference('latest')).toEqual({ kind: 'tag', tag: 'latest' })
  })

  it('is written as it was read', () => {
    expect(formatReference(parseReference(digest))).toBe(digest)
    expect(formatReference(parseReference('v1'))).toBe('v1')
  })

  it('says whether a digest or a tag is wrong', () => {
    expect(() => parseReference('sha256:zz')).toThrow(DigestInvalid)
    expect(() => parseReference('.INVALID_MANIFEST_NAME')).toThrow(TagInvalid)
  })

  it('outside the grammar is unknown to one who reads', () => {
    const unknown = unknownWhenReading(new TagInvalid('.x'))
    expect(unknown).toBeInstanceOf(ManifestUnknown)
    expect(unknown).toMatchObject({ code: 'MANIFEST_UNKNOWN', detail: { tag: '.x' } })
    expect(unknownWhenReading(new DigestInvalid('a:'))).toBeInstanceOf(ManifestUnknown)
    const other = new Error('disk')
    expect(unknownWhenReading(other)).toBe(other)
  })
})
