import { setTimeout as sleep } from 'node:timers/promises'

/** Keeps work down to a rate. */
export interface Pace {
  /** Resolves when so many bytes more are due. @throws when it is to stop */
  spend(bytes: number): Promise<void>
}

/** Milliseconds, and a wait of so many of them. */
interface Clock {
  now(): number
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

const realClock: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, { signal }),
}

/** Many small waits would each last too long. */
const LEAST_WAIT_MS = 20

/** `bytesPerSecond` may be `Infinity`. What was not used for a while is not made up for. */
export function paceOf(bytesPerSecond: number, signal?: AbortSignal, clock = realClock): Pace {
  let dueAt = 0
  return {
    async spend(bytes) {
      signal?.throwIfAborted()
      const now = clock.now()
      dueAt = Math.max(dueAt, now) + (bytes / bytesPerSecond) * 1_000
      if (dueAt - now > LEAST_WAIT_MS) await clock.sleep(dueAt - now, signal)
    },
  }
}
