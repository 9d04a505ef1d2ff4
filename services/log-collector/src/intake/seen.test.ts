import { describe, expect, it } from 'vitest'
import { seenFirst, sizeOf, takeNumber } from './seen.ts'

const notice = { shownBy: 1, atMs: 0 }

describe('numbers seen', () => {
  it('finds the same whatever the order they come in', () => {
    const missing = new Set([3, 4, 9, 15])
    const numbers = Array.from({ length: 20 }, (_, n) => n + 1).filter((n) => !missing.has(n))
    for (let round = 0; round < 200; round++) {
      const order = numbers.toSorted(() => Math.random() - 0.5)
      const seen = seenFirst(order[0]!)
      for (const number of order.slice(1)) expect(takeNumber(seen, number, notice)).toBe(true)
      for (const number of order) expect(takeNumber(seen, number, notice)).toBe(false)
      expect(seen.gaps.map(({ from, to }) => [from, to])).toEqual([
        [3, 4],
        [9, 9],
        [15, 15],
      ])
      expect(sizeOf(seen.gaps)).toBe(4)
    }
  })

  it('counts nothing before the first and nothing after the last', () => {
    expect(seenFirst(500)).toEqual({ first: 500, last: 500, gaps: [] })
  })
})
