import type { IncomingMessage } from 'node:http'
import { BadRequest } from '@berth/errors'
import { describe, expect, it } from 'vitest'
import { baseUrlOf } from './base-url.ts'

const request = (host?: string) => ({ headers: { host }, socket: {} }) as IncomingMessage

describe('how the client reaches us', () => {
  it.each(['registry.example.org', 'localhost:8080', '10.0.0.1:5000', '[::1]:8080', 'a_b.example'])('is %s', (host) => {
    expect(baseUrlOf(request(host))).toBe(`http://${host}`)
  })

  it('is as configured, whatever the client says', () => {
    expect(baseUrlOf(request('evil/'), 'https://registry.example.org/')).toBe('https://registry.example.org')
    expect(baseUrlOf(request())).toBe('http://localhost')
  })

  it.each(['[', 'a b', 'a:99999', 'x/y@z', 'a%zz', 'a?b', 'a#b', 'user:pw@a', '999.1.1.1', 'a\\b'])(
    'is nowhere when it says %j',
    (host) => {
      expect(() => baseUrlOf(request(host))).toThrow(BadRequest)
    },
  )
})
