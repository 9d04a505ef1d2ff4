import { describe, expect, it } from 'vitest'
import { formatLine } from './format-line.ts'

const plain = (_colour: string, text: string) => text

describe('a log line for people', () => {
  it('has time, level, service, message and the fields that mean something to a reader', () => {
    const line = {
      timestamp: '2026-03-01T12:00:00.000Z',
      level: 'warn' as const,
      service: 'registry',
      replica: 1,
      instance: 'abc',
      seq: 7,
      traceId: 'f00',
      message: 'slow disk',
      requestId: 'r1',
      path: '/v2/a b',
      ms: 12,
    }
    expect(formatLine(line, plain)).toBe(
      '2026-03-01T12:00:00.000Z warn  registry-1 slow disk requestId=r1 path="/v2/a b" ms=12',
    )
  })

  it('cannot steer the terminal', () => {
    const line = {
      timestamp: '2026-03-01T12:00:00.000Z',
      level: 'info' as const,
      service: 'core',
      message: '\u001b[2Jgone',
      path: '\u001b]0;title\u0007',
    }
    expect(formatLine(line, plain).includes('\u001b')).toBe(false)
  })
})
