import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { cookieOf, isSecure } from './cookies.ts'
import { operationOf } from './operation.ts'

const request = (url: string, headers: Record<string, string> = {}) => ({ url, headers }) as unknown as IncomingMessage

describe('the word a request is counted under', () => {
  it.each([
    ['/api/v2.0/projects/1/members?page=2', 'projects'],
    ['/api/v2.0/users/current', 'users'],
    ['/api/berth/v1/logs', 'logs'],
    ['/api/v2.0/no-such-thing', 'other'],
    ['/c/login', 'session'],
    ['/', 'page'],
    ['/devcenter-api-2.0/x', 'page'],
  ])('of %s is %s', (url, word) => {
    expect(operationOf(request(url))).toBe(word)
    expect(operationOf({ ...request('/left'), originalUrl: url } as unknown as IncomingMessage)).toBe(word)
  })
})

describe('cookies', () => {
  it('are found by name, the first of it, whatever stands around', () => {
    const req = request('/', { cookie: ' a=1; sid=x=y ;sid=z; b' })
    expect(cookieOf(req, 'sid')).toBe('x=y')
    expect(cookieOf(req, 'a')).toBe('1')
    expect(cookieOf(req, 'b')).toBeUndefined()
    expect(cookieOf(request('/'), 'sid')).toBeUndefined()
  })

  it('are for TLS alone when the client came by it, or always does', () => {
    expect(isSecure(request('/', { 'x-forwarded-proto': 'https' }))).toBe(true)
    expect(isSecure(request('/'), 'https://berth.example')).toBe(true)
    expect(isSecure(request('/'), 'http://berth.example')).toBe(false)
    expect(isSecure(request('/'))).toBe(false)
  })
})
