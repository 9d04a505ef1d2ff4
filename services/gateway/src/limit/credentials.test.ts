import { describe, expect, it } from 'vitest'
import { findCredential, kindOf } from './credentials.ts'
import { verdictOf } from './verdict.ts'

const of = (
  authorization: string | undefined,
  kind: Parameters<typeof verdictOf>[0] = 'other',
  address = '192.0.2.1',
) => findCredential({ address, headers: { authorization }, kind })

describe('a credential', () => {
  it('is basic authentication anywhere, and anything shown to the token service', () => {
    expect(of('Basic YTpi')).toBeDefined()
    expect(of('basic YTpi', 'registry')).toBeDefined()
    expect(of('Bearer x')).toBeUndefined()
    expect(of('Bearer x', 'token')).toBeDefined()
    expect(of(undefined, 'token')).toBeUndefined()
  })

  it('is the form of a login', () => {
    const form = Buffer.from('principal=admin&password=x')
    expect(findCredential({ address: 'a', headers: {}, kind: 'login', loginForm: form })).toBeDefined()
  })

  it('is known again from the same address only, and cannot be read from its key', () => {
    expect(of('Basic YTpi')).toBe(of('Basic YTpi', 'token'))
    expect(of('Basic YTpi')).not.toBe(of('Basic YTpj'))
    expect(of('Basic YTpi')).not.toBe(of('Basic YTpi', 'other', '192.0.2.2'))
    expect(of('Basic YTpi')).toMatch(/^[\w-]{43}$/)
  })
})

describe('a login', () => {
  it('is found however its path is written', () => {
    for (const path of ['/c/login', '/c/login/', '/C/Login', '/c/%6Cogin'])
      expect(kindOf('POST', path), path).toBe('login')
    expect(kindOf('GET', '/c/login')).toBe('other')
    expect(kindOf('GET', '/service/token')).toBe('token')
    expect(kindOf('GET', '/v2/')).toBe('registry')
    expect(kindOf('POST', '/c/log_out')).toBe('other')
  })
})

describe('an answer', () => {
  it('proves credentials good only where they must have been looked at', () => {
    expect(verdictOf('token', 200, undefined)).toBe('good')
    expect(verdictOf('registry', 201, undefined)).toBe('good')
    expect(verdictOf('other', 200, undefined)).toBe('unknown')
    expect(verdictOf('other', 200, 'good')).toBe('good')
    expect(verdictOf('token', 400, undefined)).toBe('unknown')
    expect(verdictOf('token', 503, undefined)).toBe('unknown')
  })

  it('of 401 is a failure, unless the service says that the credentials were not to blame', () => {
    expect(verdictOf('other', 401, undefined)).toBe('bad')
    expect(verdictOf('registry', 401, 'good')).toBe('good')
    expect(verdictOf('registry', 404, 'bad')).toBe('bad')
  })
})
