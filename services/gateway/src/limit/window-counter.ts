import { LRUCache } from 'lru-cache'
import { RateLimiterMemory } from 'rate-limiter-flexible'

/** Counts points by key, from the first point until the window is over; the keys longest quiet are forgotten first. */
export interface WindowCounter {
  add(key: string, points: number): Promise<void>
  points(key: string): number
  /** When the window of this key ends; 0 when it has no points. */
  secondsLeft(key: string): number
}

export function createWindowCounter(options: { windowSeconds: number; maxKeys: number }): WindowCounter {
  const limiter = new RateLimiterMemory({ points: Number.MAX_SAFE_INTEGER, duration: options.windowSeconds })
  // The limiter itself can only be asked with a promise, and would keep any number of keys.
  const known = new LRUCache<string, { points: number; untilMs: number }>({
    max: options.maxKeys,
    dispose: (_, key, reason) => {
      if (reason === 'evict') void limiter.delete(key)
    },
  })
  const current = (key: string) => {
    const found = known.get(key)
    return found && found.untilMs > Date.now() ? found : undefined
  }
  return {
    async add(key, points) {
      const { consumedPoints, msBeforeNext } = await limiter.penalty(key, points)
      known.set(key, { points: consumedPoints, untilMs: Date.now() + msBeforeNext })
    },
    points: (key) => current(key)?.points ?? 0,
    secondsLeft: (key) => Math.max(0, Math.ceil(((current(key)?.untilMs ?? 0) - Date.now()) / 1000)),
  }
}
