import { describe, expect, it } from 'vitest'
import { parsePath } from './path.ts'

describe('a path', () => {
  it.each([
    '/',
    '/v2',
    '/v2/',
    '/v2/_catalog?n=10&last=a%2Fb',
    '/v2/library/nginx/manifests/latest',
    `/v2/library/nginx/blobs/sha256%3A${'a'.repeat(64)}`,
    '/v2/a/b/blobs/uploads/?mount=sha256:abc&from=c/d',
    '/api/v2.0/projects/x/repositories/a%252Fb/artifacts',
    '/api/v2.0/projects/x/repositories/a%2Fb',
    '/api/v2.0/projects/100%25/summary',
    '/api/v2.0/projects?q=name=~x&sort=-a',
    '/api/v2.0/search?q=..%2f..',
    '/api/v2.0/projects?q=name=[a~b]\\',
    '/c/oidc/callback?redirect_url=//evil',
    '/.well-known/x',
    '/a..b/...',
  ])('%s passes as it is', (target) => {
    expect(parsePath(target)).toBe(target.split('?')[0])
  })

  it.each([
    ['//v2/_catalog', 'an empty part'],
    ['/v2//_catalog', 'an empty part'],
    ['/v2/../api', 'a dot segment'],
    ['/v2/..', 'a dot segment'],
    ['/v2/./x', 'a dot segment'],
    ['/api/..;/v2/', 'a dot segment'],
    ['/v2/%2e%2e/api', 'a dot segment'],
    ['/v2/%2E./api', 'a dot segment'],
    ['/api/%2e%2e%2fv2', 'a dot segment'],
    ['/api/%252e%252e/v2', 'a dot segment'],
    ['/api/%252e%252e%252fv2', 'a dot segment'],
    ['/api/%25252e%25252e/v2', 'a dot segment'],
    ['/v2/a%2fb/manifests/x', 'a separator'],
    ['/v2%2f_catalog', 'a separator'],
    ['/%762%2f_catalog', 'a separator'],
    ['/v2/a%252fb/manifests/x', 'a separator'],
    ['/v2/a%5cb/manifests/x', 'a backslash'],
    ['/v2/a\\b', 'a backslash'],
    ['/api/a%5c..%5cb', 'a backslash'],
    ['/api/a%00', 'control characters'],
    ['/api/a%0d%0aX:%201', 'control characters'],
    ['/api/a%2500', 'control characters'],
    ['/api/%c0%ae%c0%ae/v2', 'an invalid percent-encoding'],
    ['/api/%25c0%25ae/v2', 'an invalid percent-encoding'],
    ['/api/%zz', 'an invalid percent-encoding'],
    ['/api/%', 'an invalid percent-encoding'],
    ['/api/%ff', 'an invalid percent-encoding'],
    ['/api/%252525252541', 'encoded too often'],
    ['/api/a b', 'characters that must be encoded'],
    ['/api/a\u00e9', 'characters that must be encoded'],
    ['/api/a#b', 'characters that must be encoded'],
    ['/api?a=\x01', 'control characters'],
    [`/${'a'.repeat(4096)}`, 'too long'],
    ['http://elsewhere/v2/', 'not a path'],
    ['*', 'not a path'],
    ['', 'not a path'],
  ])('%s is refused', (target, reason) => {
    expect(() => parsePath(target)).toThrow(reason)
  })

  it('that is refused below /v2 has the code of that API', () => {
    expect(() => parsePath('/v2//x')).toThrow(expect.objectContaining({ code: 'NAME_INVALID' }))
    expect(() => parsePath('/api//x')).toThrow(expect.objectContaining({ code: 'BAD_REQUEST' }))
  })
})
