import { describe, expect, it } from 'vitest'
import { isNight } from './night.ts'

describe('the night', () => {
  it.each([
    ['2026-11-20T01:59:59', false],
    ['2026-11-20T02:00:00', true],
    ['2026-11-20T04:59:59', true],
    ['2026-11-20T05:00:00', false],
    ['2026-11-20T14:00:00', false],
  ])('at %s: %s', (time, night) => {
    expect(isNight(new Date(time))).toBe(night)
  })
})
