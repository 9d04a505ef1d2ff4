import { describe, expect, it } from 'vitest'
import { mustBeForced, pauseAfter, usualAfter, wantsAnotherTurn } from './gc-run.ts'

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

describe('a phase over manifests', () => {
  it('begins anew as long as it finds something, but not without end', () => {
    expect(wantsAnotherTurn({ turn: 0, turn_count: 1 })).toBe(true)
    expect(wantsAnotherTurn({ turn: 3, turn_count: 0 })).toBe(false)
    expect(wantsAnotherTurn({ turn: 10, turn_count: 5 })).toBe(false)
  })
})

describe('the pause between batches', () => {
  it('is none after quick ones, half of what others took, and far more once commits are slow, up to a bound', () => {
    expect(pauseAfter(19, 500, 1)).toBe(0)
    expect(pauseAfter(100, 3, 2)).toBe(50)
    expect(pauseAfter(100, 9, 1)).toBe(50)
    expect(pauseAfter(100, 11, 1)).toBe(400)
    expect(pauseAfter(100, 59, 30)).toBe(50)
    expect(pauseAfter(100, 61, 30)).toBe(400)
    expect(pauseAfter(60_000, 1, 1)).toBe(5_000)
  })

  it('takes for usual what the quickest commits took, and gets used to slower ones', () => {
    let usual = [8, 3, 9].reduce(usualAfter, Number.POSITIVE_INFINITY)
    expect(usual).toBeCloseTo(3.15)
    for (let i = 0; i < 100; i++) usual = usualAfter(usual, 20)
    expect(usual).toBe(20)
  })
})
