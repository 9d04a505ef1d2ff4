import { BadRequest } from '@berth/errors'
import { describe, expect, it } from 'vitest'
import { parseLocalPath } from './local-path.ts'

describe('where a browser is sent after signing in (security case 11)', () => {
  it.each(['/', '/harbor/projects/1?tab=tags#x', '/a//b', '/%2Fa'])('may be %s', (path) => {
    expect(parseLocalPath(path)).toBe(path)
  })

  it('is the first page unless told', () => {
    expect([parseLocalPath(undefined), parseLocalPath('')]).toEqual(['/', '/'])
  })

  it.each([
    '//evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/\t/evil.example',
    '/\n/evil.example',
    'https://evil.example',
    'https:evil.example',
    'javascript:alert(1)',
    'evil.example',
    ' //evil.example',
    '/ /evil.example',
    '/ünïcode',
    `/${'x'.repeat(3_000)}`,
  ])('is never %j', (path) => {
    expect(() => parseLocalPath(path)).toThrow(BadRequest)
  })
})
