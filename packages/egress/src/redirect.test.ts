import { describe, expect, it } from 'vitest'
import { nextHop } from './redirect.ts'
import { EgressFailed, EgressRefused } from './refusals.ts'

const from = new URL('https://one.example.org/a')
const to = (location: string, status = 302) => new Response(null, { status, headers: { location } })
const secret = { authorization: 'Basic c2VjcmV0', cookie: 'a=b', accept: 'text/html' }

describe('a redirect', () => {
  it('keeps credentials at home', () => {
    const [near, athome] = nextHop(from, { headers: secret }, to('/b')) ?? []
    expect(near?.href).toBe('https://one.example.org/b')
    expect(new Headers(athome?.headers).get('authorization')).toBe('Basic c2VjcmV0')
    for (const location of ['https://two.example.org/', 'https://one.example.org:8443/', '//two.example.org/x']) {
      const [, request] = nextHop(from, { headers: secret }, to(location)) ?? []
      expect([...new Headers(request?.headers)]).toEqual([['accept', 'text/html']])
    }
  })

  it('never leads out of TLS, to another kind of address or to nowhere', () => {
    expect(() => nextHop(from, {}, to('http://one.example.org/'))).toThrow(EgressRefused)
    expect(() => nextHop(from, {}, to('file:///etc/passwd'))).toThrow(EgressRefused)
    expect(() => nextHop(from, {}, to('https://['))).toThrow(EgressFailed)
  })

  it('turns a form that was sent into a question, and sends it again where it was asked to', () => {
    const form = { method: 'POST', body: 'a=b', headers: { 'content-type': 'text/plain' } }
    const [, asked] = nextHop(from, form, to('/b', 303)) ?? []
    expect([asked?.method, asked?.body, [...new Headers(asked?.headers)]]).toEqual(['GET', undefined, []])
    const [, again] = nextHop(from, form, to('/b', 307)) ?? []
    expect([again?.method, again?.body]).toEqual(['POST', 'a=b'])
    const stream = { method: 'POST', body: new ReadableStream() }
    expect(() => nextHop(from, stream, to('/b', 308))).toThrow(EgressFailed)
  })

  it('sends what was said to one origin to no other', () => {
    const form = { method: 'POST', body: 'client_secret=x' }
    for (const location of ['https://two.example.org/', 'https://one.example.org:8443/']) {
      for (const status of [307, 308]) {
        expect(() => nextHop(from, form, to(location, status))).toThrow(EgressFailed)
      }
      const [, asked] = nextHop(from, form, to(location, 303)) ?? []
      expect(asked?.body).toBeUndefined()
    }
  })

  it('is only what says so and where to', () => {
    expect(nextHop(from, {}, to('/b', 200))).toBeUndefined()
    expect(nextHop(from, {}, new Response(null, { status: 302 }))).toBeUndefined()
  })
})
