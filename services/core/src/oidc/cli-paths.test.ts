import { describe, expect, it } from 'vitest'
import { opensToCliSecret } from './cli-paths.ts'

const artifact = '/api/v2.0/projects/p/repositories/a%252Fb/artifacts'

describe('a CLI secret', () => {
  it.each([
    ['GET', '/api/v2.0/projects'],
    ['HEAD', '/api/v2.0/projects'],
    ['POST', '/api/v2.0/projects'],
    ['GET', '/api/v2.0/systeminfo'],
    ['GET', '/api/v2.0/labels'],
    ['GET', '/api/v2.0/projects/p/repositories'],
    ['GET', artifact],
    ['DELETE', `${artifact}/sha256:1/tags/v1`],
  ])('opens %s %s', (method, path) => {
    expect(opensToCliSecret({ method, path })).toBe(true)
  })

  it('opens the registry and the token service', () => {
    expect(opensToCliSecret({})).toBe(true)
  })

  it.each([
    ['POST', '/c/login'],
    ['GET', '/'],
    ['GET', '/api/v2.0/users/current'],
    ['PUT', '/api/v2.0/users/5/cli_secret'],
    ['POST', '/api/v2.0/labels'],
    ['POST', artifact],
    ['DELETE', '/api/v2.0/projects/p'],
    ['DELETE', '/api/v2.0/projects/p/repositories/r'],
    ['DELETE', `${artifact}/sha256:1`],
    ['GET', '/api/v2.0/projects/p/members'],
    ['GET', '/api/berth/v1/projects'],
    ['GET', '/api/v2.0/x/projects'],
    ['PATCH', '/api/v2.0/projects'],
    [undefined, '/api/v2.0/projects'],
  ])('does not open %s %s', (method, path) => {
    expect(opensToCliSecret({ method, path })).toBe(false)
  })
})
