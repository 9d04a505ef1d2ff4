import { NotFound } from '@berth/errors'
import { describe, expect, it } from 'vitest'
import { artifactHref, knownReference, wholeName } from './content-path.ts'
import { parseCopySource } from './copy-source.ts'

const DIGEST = `sha256:${'a'.repeat(64)}`

describe('a repository in a path', () => {
  it('has its project in front', () => {
    expect(wholeName({ project: 'library', repository: 'web/nginx' })).toBe('library/web/nginx')
  })

  it.each(['', 'NGINX', '../other/nginx', 'a//b', 'nginx/', `${'a'.repeat(250)}`, 'a\n', '%2e%2e'])(
    'is not found when nothing can be called %j',
    (repository) => {
      expect(() => wholeName({ project: 'library', repository })).toThrow(NotFound)
    },
  )
})

describe('a reference in a path', () => {
  const at = (reference: string) => knownReference({ project: 'library', repository: 'nginx', reference })

  it('is a tag or a digest', () => {
    expect([at('1.27'), at(DIGEST)]).toEqual(['1.27', DIGEST])
  })

  it.each(['', 'sha256:1', '.hidden', 'a b', 'a/b', 'x'.repeat(300)])('is not found when it is %j', (reference) => {
    expect(() => at(reference)).toThrow(NotFound)
  })
})

describe('the path of an artifact', () => {
  it('has slashes of the repository encoded twice', () => {
    expect(artifactHref('library/web/nginx', DIGEST)).toBe(
      `/api/v2.0/projects/library/repositories/web%252Fnginx/artifacts/${DIGEST}`,
    )
    expect(artifactHref('library/nginx', '1')).toBe('/api/v2.0/projects/library/repositories/nginx/artifacts/1')
  })
})

describe('where something is copied from', () => {
  it.each([
    ['library/nginx:1.27', '1.27'],
    [`library/nginx@${DIGEST}`, DIGEST],
    [`library/nginx:1.27@${DIGEST}`, DIGEST],
  ])('is read from %s', (text, reference) => {
    expect(parseCopySource(text)).toEqual({ project: 'library', repository: 'nginx', reference })
  })

  it('may be deep in a project', () => {
    expect(parseCopySource('library/a/b:1')).toEqual({ project: 'library', repository: 'a/b', reference: '1' })
  })

  it.each([
    '',
    'library/nginx',
    'nginx:1',
    'library/nginx:',
    'library/nginx@sha256:1',
    'Library/x:1',
    'a/b:1:2',
    '/b:1',
  ])('is refused when it is %j', (text) => {
    expect(() => parseCopySource(text)).toThrow('from must read')
  })
})
