import { describe, expect, it } from 'vitest'
import { AnswerUnreadable, readAnswerHead } from './answer-head.ts'

const head = (...lines: string[]) => lines.join('\r\n')
const read = (lines: string[], method = 'GET') => readAnswerHead(head('HTTP/1.1 200 OK', ...lines), method)

describe('the head of an answer', () => {
  it('is read with its headers as they came', () => {
    const answer = read(['Content-Type: text/plain', 'Set-Cookie: a=1', 'set-cookie:  b=é \t', 'Content-Length: 12'])
    expect(answer).toMatchObject({
      statusCode: 200,
      statusMessage: 'OK',
      rawHeaders: ['Content-Type', 'text/plain', 'Set-Cookie', 'a=1', 'set-cookie', 'b=é', 'Content-Length', '12'],
      framing: { kind: 'length', bytes: 12 },
      keepsAlive: true,
    })
  })

  it('says how long the body is', () => {
    expect(read([]).framing).toEqual({ kind: 'close' })
    expect(read(['Transfer-Encoding: chunked']).framing).toEqual({ kind: 'chunked' })
    expect(read(['Content-Length: 5'], 'HEAD').framing).toEqual({ kind: 'length', bytes: 0 })
    for (const status of ['204 No Content', '304 Not Modified', '103 Early Hints']) {
      expect(readAnswerHead(head(`HTTP/1.1 ${status}`, 'ETag: "x"'), 'GET').framing).toEqual({
        kind: 'length',
        bytes: 0,
      })
    }
  })

  it('says whether the connection may be used again', () => {
    expect(read(['Connection: close', 'Content-Length: 1']).keepsAlive).toBe(false)
    expect(read(['Connection: x-hop, Close', 'Content-Length: 1']).keepsAlive).toBe(false)
    expect(read([]).keepsAlive).toBe(false)
    expect(readAnswerHead(head('HTTP/1.0 200 OK', 'Content-Length: 1'), 'GET').keepsAlive).toBe(false)
    expect(read(['Connection: x-disclose', 'Content-Length: 1']).keepsAlive).toBe(true)
  })

  it('keeps what the gateway looks at', () => {
    const { headers } = read(['Connection: a', 'connection: b', 'X-Berth-Credentials: good', 'Content-Length: 0'])
    expect(headers).toEqual({ connection: 'a, b', 'x-berth-credentials': 'good' })
  })

  it.each([
    ['no status line', 'hello'],
    ['another protocol', 'HTTP/2 200'],
    ['a status that is none', 'HTTP/1.1 20 OK'],
    ['a folded header', head('HTTP/1.1 200 OK', 'A: b', ' c')],
    ['a space before the colon', head('HTTP/1.1 200 OK', 'Content-Length : 1')],
    ['a header without a name', head('HTTP/1.1 200 OK', ': b')],
    ['a bare line feed', head('HTTP/1.1 200 OK', 'A: b\nContent-Length: 5')],
    ['a bare carriage return', head('HTTP/1.1 200 OK', 'A: b\rc')],
    ['two lengths', head('HTTP/1.1 200 OK', 'Content-Length: 1', 'Content-Length: 1')],
    ['a length with a sign', head('HTTP/1.1 200 OK', 'Content-Length: +1')],
    ['lengths in a list', head('HTTP/1.1 200 OK', 'Content-Length: 1, 1')],
    ['a length and chunks', head('HTTP/1.1 200 OK', 'Content-Length: 1', 'Transfer-Encoding: chunked')],
    ['another encoding', head('HTTP/1.1 200 OK', 'Transfer-Encoding: gzip, chunked')],
    ['two encodings', head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked')],
  ])('with %s is not read', (_, text) => {
    expect(() => readAnswerHead(text, 'GET')).toThrow(AnswerUnreadable)
  })
})
