import { describe, expect, it } from 'vitest'
import { AnswerUnreadable } from './answer-head.ts'
import { ChunkedBody } from './chunked-body.ts'

function take(text: string, step: number): { payload: string; used: number; isDone: boolean } {
  const body = new ChunkedBody()
  const bytes = Buffer.from(text, 'latin1')
  let payload = ''
  let used = 0
  for (let at = 0; at < bytes.length && !body.isDone; at += step) {
    used += body.take(bytes.subarray(at, at + step), (piece) => {
      payload += piece.toString('latin1')
    })
  }
  return { payload, used, isDone: body.isDone }
}

describe('a chunked body', () => {
  const whole = '5\r\nhello\r\n1;name="x"\r\n \r\n00B\r\nworld\r\n\r\nok\r\n0\r\nTrailer: x\r\n\r\n'

  it('is the same however it is cut', () => {
    for (const step of [1, 2, 3, 7, 1000]) {
      expect(take(whole, step)).toEqual({ payload: 'hello world\r\n\r\nok', used: whole.length, isDone: true })
    }
  })

  it('ends where it ends, whatever follows', () => {
    expect(take('0\r\n\r\nHTTP/1.1 200 OK', 1000)).toEqual({ payload: '', used: 5, isDone: true })
  })

  it('is not over while a part of it is missing', () => {
    for (const length of [1, 5, 9, whole.length - 2]) expect(take(whole.slice(0, length), 1000).isDone).toBe(false)
  })

  it.each([
    ['a size that is none', 'x\r\n'],
    ['no size', '\r\n'],
    ['a negative size', '-1\r\n'],
    ['a huge size', `${'f'.repeat(13)}\r\n`],
    ['a bare line feed', '5\nhello\n'],
    ['more than it says', '5\r\nhello!\r\n'],
    ['a line without end', 'a'.repeat(9000)],
  ])('with %s is not read', (_, text) => {
    expect(() => take(text, 1000)).toThrow(AnswerUnreadable)
  })
})
