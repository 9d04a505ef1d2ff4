import { TooManyRequests } from '@berth/errors'

/** Lets so many pieces of work run at once; the others wait, in the order they came. */
export type Slots = <T>(work: () => Promise<T>) => Promise<T>

/** @throws {TooManyRequests} from the slots: so many wait that this one would wait too long */
export function createSlots({ atOnce, maxWaiting }: { atOnce: number; maxWaiting: number }): Slots {
  const waiting: (() => void)[] = []
  let free = atOnce
  return async (work) => {
    if (free === 0) {
      if (waiting.length >= maxWaiting) throw new TooManyRequests('too many sign-ins at once', { retryAfterSeconds: 2 })
      await new Promise<void>((go) => waiting.push(go))
    } else {
      free--
    }
    try {
      return await work()
    } finally {
      // Whoever waits takes the slot over; it is never free in between.
      const next = waiting.shift()
      if (next) next()
      else free++
    }
  }
}
