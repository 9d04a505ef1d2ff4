import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'

const KEPT_MS = 3_000
const KEPT = 1_000
/** What is counted in less than a millisecond is counted every time. */
const CHEAP = 5_000
/** A key longer than this, as of thousands of projects, is remembered by its hash. */
const MAX_KEY = 500

/** How many rows lists have. */
export interface Totals {
  /**
   * Counts, unless a large count under this key is less than three seconds old. Who asks at the same time shares one
   * count.
   */
  of(key: string, count: () => Promise<number>): Promise<number>
  /** To be called after every change made here: large lists are counted anew. */
  forget(): void
}

export function createTotals(): Totals {
  const kept = new LRUCache<string, number>({ max: KEPT, ttl: KEPT_MS })
  const counting = new Map<string, Promise<number>>()
  let changes = 0

  async function counted(key: string, count: () => Promise<number>): Promise<number> {
    const before = changes
    const total = await count()
    if (total > CHEAP && changes === before) kept.set(key, total)
    return total
  }

  return {
    of(name, count) {
      const key = name.length > MAX_KEY ? createHash('sha256').update(name).digest('base64') : name
      const known = kept.get(key)
      if (known !== undefined) return Promise.resolve(known)
      // A count that began before a change may not see it.
      const turn = `${changes} ${key}`
      let running = counting.get(turn)
      if (running === undefined) {
        running = counted(key, count).finally(() => counting.delete(turn))
        counting.set(turn, running)
      }
      return running
    },
    forget() {
      changes++
      kept.clear()
    },
  }
}
