import { describe, expect, it } from 'vitest'
import { UsageError } from '../exit.ts'
import { parseMoment } from './since.ts'

const NOW = Date.parse('2026-03-01T12:00:00Z')

describe('a moment', () => {
  it.each([
    ['90s', '2026-03-01T11:58:30.000Z'],
    ['2h30m', '2026-03-01T09:30:00.000Z'],
    ['7d', '2026-02-22T12:00:00.000Z'],
    ['2026-02-01', '2026-02-01T00:00:00.000Z'],
    ['2026-02-01T10:00:00+02:00', '2026-02-01T08:00:00.000Z'],
  ])('%s is %s', (text, moment) => {
    expect(parseMoment(text, NOW).toISOString()).toBe(moment)
  })

  it.each(['yesterday', '10', '5w', '', '2026-13-01', '-5m'])('%j is refused', (text) => {
    expect(() => parseMoment(text, NOW)).toThrow(UsageError)
  })
})
