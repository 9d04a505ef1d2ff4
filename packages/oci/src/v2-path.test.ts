import { DomainError } from '@berth/errors'
import { describe, expect, it } from 'vitest'
import { matchV2 } from './v2-path.ts'

const sha256 = `sha256:${'a'.repeat(64)}`
const sha512 = `sha512:${'0'.repeat(128)}`

function codeOf(path: string): string {
  try {
    return matchV2(path)?.kind ?? 'no route'
  } catch (err) {
    if (err instanceof DomainError) return err.code
    throw err
  }
}

describe('the routes of /v2', () => {
  it.each([
    ['/v2/', { kind: 'base' }],
    ['/v2', { kind: 'base' }],
    ['/v2/_catalog', { kind: 'catalog' }],
    ['/v2/library/nginx/tags/list', { kind: 'tags', name: 'library/nginx' }],
    [
      '/v2/library/nginx/manifests/1.27',
      { kind: 'manifest', name: 'library/nginx', reference: { kind: 'tag', tag: '1.27' } },
    ],
    [`/v2/a/b/manifests/${sha512}`, { kind: 'manifest', name: 'a/b', reference: { kind: 'digest', digest: sha512 } }],
    [`/v2/a/b/blobs/${sha256}`, { kind: 'blob', name: 'a/b', digest: sha256 }],
    ['/v2/a/b/blobs/uploads/', { kind: 'uploads', name: 'a/b' }],
    ['/v2/a/b/blobs/uploads', { kind: 'uploads', name: 'a/b' }],
    ['/v2/a/b/blobs/uploads/0198f-_Z', { kind: 'upload', name: 'a/b', session: '0198f-_Z' }],
    [`/v2/a/b/referrers/${sha256}`, { kind: 'referrers', name: 'a/b', digest: sha256 }],
    ['/v2/a/tags/list', { kind: 'tags', name: 'a' }],
  ])('matches %s', (path, route) => {
    expect(matchV2(path)).toEqual(route)
  })

  it('reads from the right, so route words may be parts of a name', () => {
    expect(matchV2('/v2/a/manifests/b/manifests/latest')).toMatchObject({ name: 'a/manifests/b' })
    expect(matchV2('/v2/a/blobs/uploads/tags/list')).toEqual({ kind: 'tags', name: 'a/blobs/uploads' })
    expect(matchV2('/v2/manifests/tags/list')).toEqual({ kind: 'tags', name: 'manifests' })
    expect(matchV2('/v2/a/tags/manifests/list')).toMatchObject({ kind: 'manifest', name: 'a/tags' })
    expect(matchV2('/v2/a/blobs/blobs/uploads/')).toEqual({ kind: 'uploads', name: 'a/blobs' })
    expect(matchV2('/v2/blobs/uploads/blobs/uploads/x')).toMatchObject({ kind: 'upload', name: 'blobs/uploads' })
  })

  it('reads the encoded colon of a digest, in either case', () => {
    expect(matchV2(`/v2/a/b/blobs/${sha256.replace(':', '%3A')}`)).toEqual({
      kind: 'blob',
      name: 'a/b',
      digest: sha256,
    })
    expect(matchV2(`/v2/a/b/blobs/${sha256.replace(':', '%3a')}`)).toEqual({
      kind: 'blob',
      name: 'a/b',
      digest: sha256,
    })
  })

  it.each([
    '',
    '/',
    '/v1/',
    '/v22/',
    '/V2/_catalog',
    '//v2/_catalog',
    '/v2/_catalog/',
    '/v2/_Catalog',
    '/v2/x',
    '/v2/a/b',
    '/v2/tags/list',
    '/v2/manifests/latest',
    '/v2/blobs/uploads',
    '/v2/blobs/uploads/',
    '/v2/blobs/uploads/x',
    '/v2/uploads/x',
    '/v2/a/uploads/x',
    '/v2/ablobs/uploads/x',
    '/v2/a/tags/lists',
    '/v2/a/b/tags/list/',
    '/v2/a/b/manifests/latest/',
    '/v2/a/b/manifests/',
    `/v2/a/b/blobs/${sha256}/`,
    '/v2/a/b/blobs/uploads/x/',
    '/v2/a/b/Manifests/latest',
  ])('has no route for %j', (path) => {
    expect(matchV2(path)).toBeUndefined()
  })

  it.each([
    '/v2//_catalog',
    '/v2/./_catalog',
    '/v2/%5fcatalog',
    '/v2/_catalog%2f',
    '/v2/a/../b/tags/list',
    '/v2/a/b/tags/..',
    '/v2/../api/v2.0/users',
    '/v2/..',
    '/v2//',
    '/v2/a//tags/list',
    '/v2/a/b//blobs/uploads/',
    '/v2/a/b/blobs/uploads//',
    '/v2/a%2fb/tags/list',
    '/v2/a%2Fb/tags/list',
    '/v2/a%252fb/tags/list',
    '/v2/%2e%2e/tags/list',
    '/v2/a/%2e%2e/b/tags/list',
    '/v2/a/%c0%ae%c0%ae/tags/list',
    '/v2/a/b\\..\\c/tags/list',
    '/v2/a/b%5cc/tags/list',
    '/v2/a/b/manifests/..',
    '/v2/a/b/manifests/%2e%2e',
    '/v2/a/b/blobs/..%2f..%2fetc',
    '/v2/a/b/blobs/uploads/..%2fother',
    '/v2/a/b/blobs/uploads/%2e%2e',
    '/v2/a/b/manifests/late%00st',
    '/v2/a/b/manifests/lat est',
    '/v2/a/b\n/tags/list',
    '/v2/A/b/tags/list',
    '/v2/-a/b/tags/list',
    '/v2/a_/b/tags/list',
    '/v2/a/ü/tags/list',
    `/v2/${'a'.repeat(256)}/tags/list`,
    `/v2/${'a/'.repeat(100_000)}tags/list`,
  ])('refuses the path or name of %.60j', (path) => {
    expect(codeOf(path)).toBe('NAME_INVALID')
  })

  it('says which part of a route is wrong', () => {
    expect(codeOf('/v2/a/b/manifests/.bad')).toBe('TAG_INVALID')
    expect(codeOf(`/v2/a/b/manifests/${'t'.repeat(129)}`)).toBe('TAG_INVALID')
    expect(codeOf('/v2/a/b/manifests/latest?x=1')).toBe('TAG_INVALID')
    expect(codeOf('/v2/a/b/manifests/sha256:abc')).toBe('DIGEST_INVALID')
    expect(codeOf('/v2/a/b/blobs/latest')).toBe('DIGEST_INVALID')
    expect(codeOf('/v2/a/b/blobs/sha256:../../etc')).toBe('NAME_INVALID')
    expect(codeOf('/v2/a/b/referrers/latest')).toBe('DIGEST_INVALID')
    expect(codeOf('/v2/a/b/blobs/uploads/a.b')).toBe('BLOB_UPLOAD_UNKNOWN')
    expect(codeOf(`/v2/a/b/blobs/uploads/${'x'.repeat(129)}`)).toBe('BLOB_UPLOAD_UNKNOWN')
  })

  it('accepts a name of 255 characters', () => {
    expect(matchV2(`/v2/${'a'.repeat(255)}/tags/list`)).toMatchObject({ kind: 'tags' })
  })
})
