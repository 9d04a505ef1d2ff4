import { describe, expect, it } from 'vitest'
import { httpsUrl } from './redirect.ts'
import { routeOf, sessionOf } from './route.ts'

describe('a path', () => {
  it.each([
    ['/v2', 'registry'],
    ['/v2/', 'registry'],
    ['/v2/_catalog', 'registry'],
    ['/v2x', 'core'],
    ['/V2/_catalog', 'core'],
    ['/service/token', 'token'],
    ['/service/token/keys', 'token'],
    ['/api/v2.0/ping', 'core'],
    ['/api/version', 'core'],
    ['/c/login', 'core'],
    ['/devcenter-api-2.0', 'core'],
    ['/', 'core'],
    ['/services', 'core'],
  ])('%s belongs to %s', (path, service) => {
    expect(routeOf(path)).toBe(service)
  })

  it.each(['/service', '/service/notifications/tasks/1', '/service/token/', '/Service/notifications', '/%73ervice/x'])(
    '%s is for nobody outside',
    (path) => {
      expect(() => routeOf(path)).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }))
    },
  )

  it('of an upload names its session', () => {
    expect(sessionOf('/v2/a/b/blobs/uploads/5f2c-1')).toBe('5f2c-1')
    expect(sessionOf('/v2/a/b/blobs/uploads/')).toBeUndefined()
    expect(sessionOf('/v2/a/b/blobs/sha256:00')).toBeUndefined()
  })
})

describe('the https URL of a request', () => {
  const client = { address: '::1', proto: 'http', host: 'a.example:8080', port: '8080', arrivedBy: 'http' } as const

  it('is on the port of that door, or none where it is the usual one', () => {
    expect(httpsUrl(client, '/v2/?n=1', { port: 8443 })).toBe('https://a.example:8443/v2/?n=1')
    expect(httpsUrl(client, '/', { port: 443 })).toBe('https://a.example/')
    expect(httpsUrl({ ...client, host: '[::1]:8080' }, '/', { port: 8443 })).toBe('https://[::1]:8443/')
  })

  it('is at the external URL when that is https', () => {
    const external = { proto: 'https', host: 'hub.example' } as const
    expect(httpsUrl(client, '/x', { port: 8443, external })).toBe('https://hub.example/x')
  })
})
