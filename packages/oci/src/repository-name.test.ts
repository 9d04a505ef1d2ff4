import { describe, expect, it } from 'vitest'
import { findRepositoryName, NameInvalid, nameInProject, parseRepositoryName, projectOf } from './repository-name.ts'

describe('a repository name', () => {
  it.each(['a', 'library/nginx', 'a/b/c/d', 'a.b/c_d', 'a__b/c---d', '0/1', 'a'.repeat(255)])(
    'may be %.40s',
    (text) => {
      expect(parseRepositoryName(text)).toBe(text)
      expect(findRepositoryName(text)).toBe(text)
    },
  )

  it.each([
    '',
    '/',
    '/a',
    'a/',
    'a//b',
    'A/b',
    '.a',
    'a.',
    'a..b',
    'a/../b',
    '..',
    '_a',
    'a_',
    'a___b',
    'a._b',
    '-a',
    'a-',
    'a b',
    'a:b',
    'a@b',
    'a\\b',
    'a%2fb',
    'a\n',
    'ä/b',
    'a\u0000',
    'a'.repeat(256),
    `${'a-'.repeat(100_000)}!`,
  ])('may not be %.40j', (text) => {
    expect(() => parseRepositoryName(text)).toThrow(NameInvalid)
    expect(findRepositoryName(text)).toBeUndefined()
  })

  it('stands in the project before its first slash', () => {
    const name = parseRepositoryName('library/web/nginx')
    expect(projectOf(name)).toBe('library')
    expect(nameInProject(name)).toBe('web/nginx')
  })

  it('without a slash stands in no project', () => {
    const name = parseRepositoryName('nginx')
    expect(() => projectOf(name)).toThrow(NameInvalid)
    expect(() => nameInProject(name)).toThrow(NameInvalid)
  })
})
