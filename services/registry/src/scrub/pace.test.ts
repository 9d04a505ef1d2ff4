import { describe, expect, it } from 'vitest'
import { paceOf } from './pace.ts'

/** A clock that stands still but for waits. */
function stillClock() {
  const clock = {
    time: 1_000,
    now: () => clock.time,
    sleep: async (ms: number) => {
      clock.time += ms
    },
  }
  return clock
}

describe('a pace', () => {
  it('lets everything through at once when it has no bound', async () => {
    const clock = stillClock()
    const pace = paceOf(Number.POSITIVE_INFINITY, undefined, clock)
    for (let i = 0; i < 100; i++) await pace.spend(1_000_000_000)
    expect(clock.time).toBe(1_000)
  })

  it('makes what goes faster than its rate wait, and does not make up for idleness', async () => {
    const clock = stillClock()
    const pace = paceOf(1_000_000, undefined, clock)
    for (let i = 0; i < 100; i++) await pace.spend(20_000)
    expect(clock.time).toBeGreaterThan(2_950)
    expect(clock.time).toBeLessThanOrEqual(3_000)
    clock.time = 100_000
    for (let i = 0; i < 10; i++) await pace.spend(100_000)
    expect(clock.time).toBe(101_000)
  })

  it('ends a wait, and whatever comes after it, when it is told to stop', async () => {
    const stop = new AbortController()
    const pace = paceOf(1, stop.signal)
    const waiting = expect(pace.spend(1_000_000)).rejects.toThrow()
    stop.abort()
    await waiting
    await expect(pace.spend(0)).rejects.toThrow()
  })
})
