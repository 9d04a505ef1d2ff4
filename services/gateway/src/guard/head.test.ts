import { describe, expect, it } from 'vitest'
import { readHead } from './head.ts'
import { isHost, splitHost } from './host.ts'

const read = (method: string, headers: [string, string][], httpVersion = '1.1') =>
  readHead({ method, httpVersion, rawHeaders: [['Host', 'registry.example'], ...headers].flat() })

describe('the head of a request', () => {
  it('tells whether a body follows', () => {
    expect(read('GET', []).hasBody).toBe(false)
    expect(read('POST', [['Content-Length', '0']]).hasBody).toBe(false)
    expect(read('PUT', [['content-length', '12']]).hasBody).toBe(true)
    expect(read('PATCH', [['Transfer-Encoding', 'Chunked']]).hasBody).toBe(true)
    expect(read('DELETE', [['Content-Length', '2']]).hasBody).toBe(true)
  })

  it.each([
    ['GET', [['Transfer-Encoding', 'chunked']]],
    ['HEAD', [['Transfer-Encoding', 'chunked']]],
    ['DELETE', [['Transfer-Encoding', 'chunked']]],
    ['OPTIONS', [['transfer-encoding', 'chunked']]],
    [
      'POST',
      [
        ['Content-Length', '3'],
        ['Transfer-Encoding', 'chunked'],
      ],
    ],
    [
      'POST',
      [
        ['Content-Length', '3'],
        ['Content-Length', '3'],
      ],
    ],
    [
      'POST',
      [
        ['Transfer-Encoding', 'chunked'],
        ['Transfer-Encoding', 'chunked'],
      ],
    ],
    ['POST', [['Content-Length', '+3']]],
    ['POST', [['Content-Length', '0x3']]],
    ['POST', [['Content-Length', '3, 3']]],
    ['POST', [['Content-Length', '']]],
    ['POST', [['Content-Length', '9'.repeat(20)]]],
    ['POST', [['Transfer-Encoding', 'gzip, chunked']]],
    ['POST', [['Transfer-Encoding', 'identity']]],
    ['POST', [['Transfer-Encoding', 'xchunked']]],
  ] as [string, [string, string][]][])('of a %s with %j is refused', (method, headers) => {
    expect(() => read(method, headers)).toThrow(expect.objectContaining({ code: 'BAD_REQUEST' }))
  })

  it('with a chunked body is refused of HTTP/1.0', () => {
    expect(() => read('POST', [['Transfer-Encoding', 'chunked']], '1.0')).toThrow('HTTP/1.1')
  })

  it('is refused for methods nobody behind us serves', () => {
    expect(() => read('TRACE', [])).toThrow(expect.objectContaining({ code: 'BAD_REQUEST' }))
    expect(() => read('PROPFIND', [])).toThrow(expect.objectContaining({ code: 'METHOD_NOT_ALLOWED' }))
  })

  it('may offer HTTP/2, which is passed over, and no other protocol', () => {
    expect(
      read('GET', [
        ['Upgrade', 'h2c'],
        ['Connection', 'Upgrade'],
      ]).hopByHop,
    ).toEqual(['upgrade'])
    expect(() => read('GET', [['Upgrade', 'websocket']])).toThrow('upgrade')
  })

  it('needs exactly one valid Host', () => {
    const host =
      (...values: string[]) =>
      () =>
        readHead({ method: 'GET', httpVersion: '1.1', rawHeaders: values.flatMap((value) => ['host', value]) })
    for (const bad of [[], ['a', 'a'], [''], ['a b'], ['a/b'], ['a@b'], ['a:0'], ['a:b'], ['[::1'], ['a,b'], ['-a']]) {
      expect(host(...bad), JSON.stringify(bad)).toThrow('Host')
    }
    expect(host('[2001:db8::1]:5000')().host).toBe('[2001:db8::1]:5000')
  })

  it('may name headers that end here, but none without which the request means something else', () => {
    expect(read('GET', [['Connection', 'keep-alive, X-Secret']]).hopByHop).toEqual(['x-secret'])
    for (const name of ['Content-Length', 'authorization', 'Host', 'transfer-encoding', 'cookie']) {
      expect(() => read('GET', [['Connection', `close, ${name}`]])).toThrow('Connection')
    }
  })

  it('with hundreds of headers is refused', () => {
    const many = Array.from({ length: 200 }, (_, i): [string, string] => [`x-${i}`, ''])
    expect(() => read('GET', many)).toThrow(expect.objectContaining({ status: 431 }))
  })
})

describe('a host', () => {
  it('is a name or an address, with or without port', () => {
    for (const good of ['a', 'a.b', 'a.b.', 'a_b', '127.0.0.1:80', '[::1]', '[::1]:443', 'A.example:65535']) {
      expect(isHost(good), good).toBe(true)
    }
    for (const bad of ['', ':80', 'a:', 'a:65536', '::1', '[::1]x', 'a..\u0000', `${'a'.repeat(256)}`]) {
      expect(isHost(bad), bad).toBe(false)
    }
  })

  it('falls into its name and its port', () => {
    expect(splitHost('a:5000')).toEqual({ host: 'a', port: '5000' })
    expect(splitHost('[::1]:443')).toEqual({ host: '[::1]', port: '443' })
    expect(splitHost('[::1]')).toEqual({ host: '[::1]' })
  })
})
