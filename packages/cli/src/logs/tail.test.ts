import type { LogLine } from '@berth/types'
import { describe, expect, it } from 'vitest'
import { createTail } from './tail.ts'

const at = (seconds: number) => new Date(Date.parse('2026-03-01T12:00:00Z') + seconds * 1_000).toISOString()
const line = (seconds: number, more: Partial<LogLine> = {}): LogLine => ({
  timestamp: at(seconds),
  level: 'info',
  service: 'core',
  message: 'something happened',
  instance: 'a',
  seq: seconds + 1,
  ...more,
})

describe('a tail', () => {
  it('shows each line once, oldest first', () => {
    const tail = createTail()
    expect(tail.take([line(2), line(1)])).toEqual([line(1), line(2)])
    expect(tail.take([line(3), line(2), line(1)])).toEqual([line(3)])
  })

  it('keeps the order in which one process spoke within a moment', () => {
    const spoken = [3, 1, 2].map((seq) => line(5, { seq }))
    expect(
      createTail()
        .take(spoken)
        .map(({ seq }) => seq),
    ).toEqual([1, 2, 3])
  })

  it('takes two lines that only look alike for two', () => {
    const tail = createTail()
    expect(tail.take([line(1, { instance: 'a', seq: 1 }), line(1, { instance: 'b', seq: 1 })])).toHaveLength(2)
  })

  it('knows a line without a number by what it says', () => {
    const tail = createTail()
    const bare = { ...line(1), instance: undefined, seq: undefined }
    expect(tail.take([bare])).toHaveLength(1)
    expect(tail.take([{ ...bare }, { ...bare, message: 'something else' }])).toHaveLength(1)
  })

  it('forgets what nobody asks for again', () => {
    const tail = createTail()
    tail.take([line(1), line(2), line(3)])
    tail.forgetBefore(Date.parse(at(3)))
    expect(tail.size).toBe(1)
  })
})
