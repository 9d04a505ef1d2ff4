import { once } from 'node:events'
import { PassThrough, Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { consume } from './consume.ts'

describe('a body that is consumed', () => {
  it('comes whole and in order, also where it has to wait', async () => {
    const body = Readable.from(
      Array.from({ length: 50 }, (_, n) => Buffer.from([n])),
      { objectMode: false },
    )
    const seen: number[] = []
    let busy = false
    await consume(body, (chunk) => {
      expect(busy).toBe(false)
      seen.push(...chunk)
      if (seen.length % 5 !== 0) return undefined
      busy = true
      return sleep(1).then(() => {
        busy = false
      })
    })
    expect(seen).toEqual(Array.from({ length: 50 }, (_, n) => n))
  })

  it('fails when it breaks off, before as well as in the middle', async () => {
    const body = new PassThrough()
    const consumed = consume(body, () => undefined)
    body.write('half')
    body.destroy()
    await expect(consumed).rejects.toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' })
    await expect(consume(body, () => undefined)).rejects.toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' })
    const broken = new PassThrough()
    const failed = consume(broken, () => undefined)
    broken.destroy(new Error('reset'))
    await expect(failed).rejects.toThrow('reset')
  })

  it('is let go by when it cannot be taken', async () => {
    const body = new PassThrough({ highWaterMark: 4 })
    body.write('x')
    await expect(consume(body, () => Promise.reject(new Error('full')))).rejects.toThrow('full')
    const ended = once(body, 'end')
    for (let i = 0; i < 10; i++) body.write('more than fits')
    body.end()
    await ended
  })

  it('may be over already', async () => {
    const body = Readable.from([Buffer.from('x')])
    await consume(body, () => undefined)
    await expect(consume(body, () => undefined)).resolves.toBeUndefined()
  })
})
