import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { baseUrlOf, clientAddressOf } from './base-url.ts'
import { announcedBytes } from './body.ts'
import { linkToNext, pageOf } from './paging.ts'
import { isKnownToClient } from './visit.ts'

const asked = (headers: Record<string, string>) =>
  ({ headers, socket: { remoteAddress: '10.0.0.1' } }) as unknown as IncomingMessage

describe('the base URL', () => {
  it('is the setting, else what the gateway says, else the Host', () => {
    const req = asked({ host: 'a:5000', 'x-forwarded-host': 'b.example', 'x-forwarded-proto': 'https' })
    expect(baseUrlOf(req, 'https://c.example')).toBe('https://c.example')
    expect(baseUrlOf(req, undefined)).toBe('https://b.example')
    expect(baseUrlOf(asked({ host: 'a:5000' }), undefined)).toBe('http://a:5000')
    expect(baseUrlOf(asked({ host: '[::1]:5000' }), undefined)).toBe('http://[::1]:5000')
  })

  it.each(['', 'a b', 'a/b', 'a"b', 'a:b', 'user@host', 'a:123456'])('is refused for the host "%s"', (host) => {
    expect(() => baseUrlOf(asked({ host }), undefined)).toThrow('Host')
  })
})

describe('the address of a client', () => {
  it('is the one the gateway saw first', () => {
    expect(clientAddressOf(asked({ 'x-forwarded-for': '1.2.3.4, 10.0.0.2' }))).toBe('1.2.3.4')
    expect(clientAddressOf(asked({}))).toBe('10.0.0.1')
  })
})

describe('a body', () => {
  it('is announced by its length, streamed, or not there', () => {
    expect(announcedBytes(asked({ 'content-length': '12' }))).toBe(12)
    expect(announcedBytes(asked({ 'transfer-encoding': 'chunked' }))).toBeUndefined()
    expect(announcedBytes(asked({}))).toBe(0)
  })
})

describe('a page', () => {
  const page = (query: string) => pageOf(new URLSearchParams(query))

  it('has a size and a beginning, and says when more was asked for than there can be', () => {
    expect(page('')).toEqual({ last: '', isClamped: false })
    expect(page('n=5&last=x')).toEqual({ n: 5, last: 'x', isClamped: false })
    expect(page('n=0')).toEqual({ n: 0, last: '', isClamped: false })
    expect(page('n=1000')).toEqual({ n: 1000, last: '', isClamped: false })
    expect(page('n=5000')).toEqual({ n: 1000, last: '', isClamped: true })
  })

  it.each(['n=-1', 'n=', 'n=1.5', 'n=x', 'n=1e3', `last=${'a'.repeat(513)}`, 'last=%00'])(
    'is refused for %s',
    (query) => {
      expect(() => page(query)).toThrow()
    },
  )

  it('links to the next one', () => {
    expect(linkToNext('http://h/v2/a/b/tags/list', { n: 2, last: 'a b' })).toBe(
      '<http://h/v2/a/b/tags/list?n=2&last=a+b>; rel="next"',
    )
  })
})

describe('a conditional request', () => {
  it('knows an etag among several, weak or strong', () => {
    const knows = (header: string) => isKnownToClient(asked({ 'if-none-match': header }), '"a"')
    expect(['"a"', 'W/"a"', '"b", "a"', '*'].map(knows)).toEqual([true, true, true, true])
    expect(['a', '"b"', '', `"${'a'.repeat(5_000)}"`].map(knows)).toEqual([false, false, false, false])
    expect(isKnownToClient(asked({}), '"a"')).toBe(false)
  })
})
