import { describe, expect, it } from 'vitest'
import { parseLines } from './line.ts'

const storedAtMs = Date.parse('2026-11-04T10:00:00.000Z')
const usual = {
  timestamp: '2026-11-04T09:59:59.500Z',
  level: 'warn',
  service: 'core',
  message: 'hello',
  instance: 'a',
  seq: 7,
}

function parse(body: unknown, subject = 'log.core.warn') {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const [line, ...others] = parseLines({ subject, data: new TextEncoder().encode(text), storedAtMs })
  if (!line || others.length > 0) throw new Error('not one line')
  expect(line.bytes.at(-1)).toBe(0x0a)
  expect(line.bytes.indexOf(0x0a)).toBe(line.bytes.length - 1)
  return { ...line, json: JSON.parse(line.bytes.toString('utf8')) as Record<string, unknown> }
}

describe('a message of the stream', () => {
  it('is kept byte for byte when it is a log line', () => {
    const { bytes, json: _, ...place } = parse(usual)
    expect(bytes.toString('utf8')).toBe(`${JSON.stringify(usual)}\n`)
    expect(place).toEqual({ service: 'core', level: 'warn', ms: storedAtMs - 500, instance: 'a', seq: 7 })
  })

  it('is one line in the file also when it was written over several', () => {
    expect(parse(JSON.stringify(usual, null, 2)).json).toEqual(usual)
  })

  it('may hold several, each of which is kept as if it had come alone', () => {
    const said = [1, 2, 3].map((seq) => JSON.stringify({ ...usual, seq }))
    const data = new TextEncoder().encode(said.join('\n'))
    const lines = parseLines({ subject: 'log.core.warn', data, storedAtMs })
    expect(lines.map(({ seq }) => seq)).toEqual([1, 2, 3])
    expect(lines.map(({ bytes }) => bytes.toString('utf8'))).toEqual(said.map((line) => `${line}\n`))
  })

  it('that only looks like several is a text all the same', () => {
    expect(parse('first\nsecond\n').json).toMatchObject({ message: 'first\nsecond\n' })
  })

  it('belongs to the service of its subject', () => {
    expect(parse(usual, 'log.token.warn')).toMatchObject({ service: 'token', json: { service: 'token' } })
  })

  it.each([['no JSON'], ['{"half": '], ['[]'], [JSON.stringify({ ...usual, level: 'loud' })]])(
    'becomes text when it is %s',
    (text) => {
      expect(parse(text)).toMatchObject({ service: 'core', level: 'warn', ms: storedAtMs, json: { message: text } })
    },
  )

  it('gets the time of the stream when its clock is wrong, and keeps its own beside it', () => {
    const { ms, json } = parse({ ...usual, timestamp: '2019-01-01T00:00:00.000Z' })
    expect(ms).toBe(storedAtMs)
    expect(json).toMatchObject({ timestamp: '2026-11-04T10:00:00.000Z', saidAt: '2019-01-01T00:00:00.000Z' })
  })

  it('is cut when it is too long, and still counts', () => {
    const { json, bytes } = parse({ ...usual, message: 'x'.repeat(300_000), stack: 'y' })
    expect(bytes.length).toBeLessThan(10_000)
    expect(json).toMatchObject({ instance: 'a', seq: 7, cut: true })
  })
})
