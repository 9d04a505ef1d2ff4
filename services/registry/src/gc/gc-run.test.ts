import { describe, expect, it } from 'vitest'
import { mustBeForced, pauseAfter } from './gc-run.ts'

const GIB = 1024 ** 3

describe('a run that was not forced', () => {
  it.each([
    [11 * GIB, 50 * GIB, true],
    [11 * GIB, 56 * GIB, false],
    [10 * GIB, 12 * GIB, false],
    [10 * GIB + 1, 50 * GIB, true],
    [3, 3, false],
    [0, 0, false],
  ])('that would remove %i of %i bytes stops: %s', (eligible, stored, stops) => {
    expect(mustBeForced(eligible, stored)).toBe(stops)
  })
})

describe('the pause between batches', () => {
  it('is none while commits are quick, and grows with them up to a bound', () => {
    expect([1, 50].map(pauseAfter)).toEqual([0, 0])
    expect([60, 500].map(pauseAfter)).toEqual([240, 2_000])
    expect(pauseAfter(60_000)).toBe(5_000)
  })
})
