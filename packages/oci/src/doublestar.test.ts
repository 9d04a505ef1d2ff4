import { describe, expect, it } from 'vitest'
import { compilePattern, PatternInvalid, patternSize } from './doublestar.ts'

/** What Go's doublestar v4 answers. */
const MATCHES: [pattern: string, ...texts: string[]][] = [
  ['', ''],
  ['*', '', 'abc', '.hidden'],
  ['/*', '/'],
  ['abc', 'abc'],
  ['*c', 'abc'],
  ['*/', 'a/'],
  ['a*', 'a', 'abc'],
  ['a*/b', 'abc/b'],
  ['a*b*c*d*e*/f', 'axbxcxdxe/f', 'axbxcxdxexxx/f'],
  ['a*b?c*x', 'abxbbxdbxebxczzx'],
  ['ab[b-d]', 'abc'],
  ['ab[^e-g]', 'abc'],
  ['a?b', 'a☺b'],
  ['a[!a]b', 'a☺b'],
  ['[a-ζ]*', 'α'],
  ['[\\]a]', ']'],
  ['[x\\-]', 'x', '-'],
  ['[\\-x]', 'x', '-'],
  ['[-]', '-'],
  ['[x-]', 'x', '-'],
  ['[-x]', 'x', '-'],
  ['[a-b-d]', 'a', 'b', '-', 'd'],
  ['*x', 'xxx'],
  ['[a-z0-9]', '1'],
  ['**', '', 'a', 'a/b/c'],
  ['a/**', 'a', 'a/', 'a/b', 'a/b/c'],
  ['a/**/', 'a', 'a/'],
  ['**/c', 'c', 'b/c', 'a/b/c'],
  ['a/**/b', 'a/b'],
  ['a/**/d', 'a/b/c/d'],
  ['ab{c,d,*}', 'abcde'],
  ['a{,bc}', 'a', 'abc'],
  ['a/{b/c,c/b}', 'a/b/c', 'a/c/b'],
  ['a/a*{b,c}', 'a/abc'],
  ['{a/{b,c},abc}', 'a/b', 'a/c', 'abc'],
  ['**/{a,b}', 'a/b'],
  ['{**,x}/b', 'b', 'a/c/b', 'x/b'],
  ['e/\\[x\\]/*', 'e/[x]/[y]'],
  ['f/\\{a,b\\}/{c,other*}', 'f/{a,b}/c'],
  ['e/{\\*,\\?}', 'e/*', 'e/?'],
  ['e/[\\*\\?]?', 'e/**'],
  ['*\\}', '}'],
  ['v[0-9]*.{0,1}', 'v1.2.0', 'v10.1'],
  ['{alpha,beta}-[!x]?', 'alpha-rc', 'beta-yx'],
]
const DIFFERS: [pattern: string, ...texts: string[]][] = [
  ['*', '/', 'a/b'],
  ['/*', '/debug/', '//'],
  ['a*', 'ab/c', 'b'],
  ['a*b*c*d*e*/f', 'axbxcxdxe/xxx/f', 'axbxcxdxexxx/fff'],
  ['a*b?c*x', 'abxbbxdbxebxczzy'],
  ['ab[^c]', 'abc'],
  ['a???b', 'a☺b'],
  ['*[a-ζ]', 'A'],
  ['a?b', 'a/b', 'ab'],
  ['a\\*b', 'ab'],
  ['[x\\-]', 'z'],
  ['[a-b-d]', 'c'],
  ['**/c', 'a/b', 'abcd', 'a/abc'],
  ['a/**', 'ab', 'b/a'],
  ['a/\\**', 'a/b/c'],
  ['a/b/c', 'a/b//c'],
  ['a/', 'a'],
  ['abc**', 'abc/b'],
  ['{a/{b,c},abc}', 'a/b/c'],
  ['e/\\?', 'e/**'],
  ['v1', 'V1', 'v1.0', 'av1'],
]
const INVALID = ['\\', 'a\\', '[', '[^', '[^bc', 'a[', '[]a]', '[]', '{', '{a,b', 'ab{c,d}[', '[a-', '[\\']

describe('a pattern', () => {
  it.each(MATCHES)('%j matches what it matches in Go', (pattern, ...texts) => {
    const isMatch = compilePattern(pattern)
    for (const text of texts) expect([text, isMatch(text)]).toEqual([text, true])
  })

  it.each(DIFFERS)('%j matches nothing else', (pattern, ...texts) => {
    const isMatch = compilePattern(pattern)
    for (const text of texts) expect([text, isMatch(text)]).toEqual([text, false])
  })

  it.each(INVALID)('%j is refused', (pattern) => {
    expect(() => compilePattern(pattern)).toThrow(PatternInvalid)
  })

  it('takes steps in proportion to both lengths, whatever is written', () => {
    const text = 'a'.repeat(255)
    for (const pattern of [`${'*a'.repeat(500)}b`, `${'**/'.repeat(300)}b`, `${'[a-z]*'.repeat(150)}/`]) {
      expect(compilePattern(pattern)(text)).toBe(false)
      expect(compilePattern(pattern)(`${text}/`.repeat(20))).toBe(false)
    }
  })

  it.each([
    ['', 0],
    ['v*', 2],
    ['{a,bc}', 3],
    ['x{a,b}{c,d}', 12],
  ])('%j costs %d with its alternatives written out', (pattern, size) => {
    expect(patternSize(pattern)).toBe(size)
  })

  it('does not grow without end with its alternatives', () => {
    expect(() => compilePattern('{a,b}'.repeat(200))).toThrow(PatternInvalid)
    const names = Array.from({ length: 120 }, (_, i) => `team-${i}`)
    const isMatch = compilePattern(`{${names.join(',')}}`)
    expect([isMatch('team-0'), isMatch('team-119'), isMatch('team-120')]).toEqual([true, true, false])
  })
})
