import { silentLogger } from '@berth/runtime'
import { describe, expect, it, vi } from 'vitest'
import { every } from './every.ts'

describe('housekeeping', () => {
  it('runs one round at a time, again after a failure, and not after it was stopped', async () => {
    vi.useFakeTimers()
    try {
      const warn = vi.fn()
      let end: () => void = () => undefined
      const work = vi
        .fn<() => Promise<void>>()
        .mockRejectedValueOnce(new Error('once'))
        .mockImplementation(
          () =>
            new Promise((resolve) => {
              end = resolve
            }),
        )
      const repeated = every(1_000, 'test', work, { ...silentLogger, warn })
      await vi.advanceTimersByTimeAsync(1_000)
      expect(warn).toHaveBeenCalledTimes(1)
      await vi.advanceTimersByTimeAsync(3_000)
      repeated.poke()
      expect(work).toHaveBeenCalledTimes(2)
      const stopped = repeated.stop()
      end()
      await stopped
      repeated.poke()
      await vi.advanceTimersByTimeAsync(3_000)
      expect(work).toHaveBeenCalledTimes(2)
    } finally {
      vi.useRealTimers()
    }
  })
})
