import { describe, expect, it } from 'vitest'
import { ManifestInvalid } from './manifest-invalid.ts'
import { MAX_JSON_DEPTH, MAX_JSON_VALUES, parseStrictJson } from './strict-json.ts'

const parse = (text: string) => parseStrictJson(Buffer.from(text))

describe('strict JSON', () => {
  it.each([
    '{}',
    ' {"a":1,"b":{"a":1}} ',
    '[{"a":1},{"a":1}]',
    '{"a":"a","b":["a","a"]}',
    '{"a:":1,"a\\"":2,"a":3}',
    '{"a" \n\t:1,"b":"\\\\"}',
    '{"":1}',
    '"x:"',
    '1',
    '{"a":"{[\\"a\\":1,","b":"]"}',
  ])('reads %s as JSON.parse does', (text) => {
    expect(parse(text)).toEqual(JSON.parse(text))
  })

  it.each([
    '{"a":1,"a":1}',
    '{"a":1, "b":{}, "a" :2}',
    '{"a":{"b":1,"b":2}}',
    '[[{"b":1,"b":2}]]',
    '{"a":1,"\\u0061":2}',
    '{"\\u0061":1,"a":2}',
    '{"/":1,"\\/":2}',
    '{"__proto__":1,"__proto__":2}',
    '{"":1,"":2}',
    '{"a":[{"a":1}],"a":2}',
  ])('refuses a key given twice: %s', (text) => {
    expect(JSON.parse(text)).toBeDefined()
    expect(() => parse(text)).toThrow(ManifestInvalid)
  })

  it.each([
    '',
    ' ',
    '{',
    '}',
    '{"a"}',
    '{a:1}',
    "{'a':1}",
    '{"a":1,}',
    '{"a":1}x',
    '{"a":NaN}',
    '"',
    '"\\',
    '{"\\x":1}',
    '{"a\n":1}',
    '// c',
    '01',
  ])('refuses what is not JSON: %j', (text) => {
    expect(() => parse(text)).toThrow(ManifestInvalid)
  })

  it('refuses a byte order mark and invalid UTF-8', () => {
    expect(() => parse('\ufeff{}')).toThrow(ManifestInvalid)
    expect(() => parseStrictJson(Uint8Array.of(0x22, 0xff, 0x22))).toThrow(ManifestInvalid)
    expect(() => parseStrictJson(Uint8Array.of(0x22, 0xc0, 0xae, 0x22))).toThrow(ManifestInvalid)
    expect(() => parseStrictJson(Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22))).toThrow(ManifestInvalid)
  })

  it('bounds the depth', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
    expect(parse(nested(MAX_JSON_DEPTH))).toBeDefined()
    expect(() => parse(nested(MAX_JSON_DEPTH + 1))).toThrow(ManifestInvalid)
    expect(() => parse('{"a":'.repeat(700_000))).toThrow(ManifestInvalid)
  })

  it('bounds the number of values', () => {
    expect(() => parse(`[${'0,'.repeat(MAX_JSON_VALUES)}0]`)).toThrow(ManifestInvalid)
    expect(() => parse(`[${'{},'.repeat(MAX_JSON_VALUES / 2)}0]`)).toThrow(ManifestInvalid)
  })

  it('keeps a __proto__ key a plain member', () => {
    const value = parse('{"__proto__":{"mediaType":"x"}}')
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
  })
})
