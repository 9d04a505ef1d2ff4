import { LRUCache } from 'lru-cache'
import type { CredentialKey } from './credentials.ts'
import { TooManyFailures } from './too-many-failures.ts'
import type { Verdict } from './verdict.ts'
import { createWaitingRoom } from './waiting-room.ts'
import { createWindowCounter } from './window-counter.ts'

const WINDOW_SECONDS = 60
const MAX_KEYS = 20_000
const MAX_GOOD = 50_000
const GOOD_FOR_MS = 3_600_000
const MAX_WAIT_MS = 10_000
/**
 * What a failure costs its address. The same wrong credential over and over is a node with an old password rather than
 * somebody guessing, and its neighbours should not pay for it.
 */
const COST = { guess: 10, repeat: 1 }

export interface Admission {
  /** Tells what came of it; the first call counts. */
  settle(verdict: Verdict): void
}

export interface FailedLogins {
  /**
   * Lets a request with credentials through, or not. Credentials that were good from this address within the last hour
   * always pass. Others pass while the address has failures left this minute, no more of them at a time than that, so
   * that guesses sent all at once are no more than guesses sent in turn; the rest wait for those before them.
   *
   * @throws {TooManyFailures} the address, or this credential, has used up its failures, or ten seconds were not enough
   */
  admit(address: string, credential: CredentialKey, gone: AbortSignal): Promise<Admission>
}

/** Counts failures by address; successes are never counted. Memory is bounded: who was longest quiet goes first. */
export function limitFailedLogins(options: { perMinute: number; onRefused?: () => void }): FailedLogins {
  const { perMinute, onRefused } = options
  const byAddress = createWindowCounter({ windowSeconds: WINDOW_SECONDS, maxKeys: MAX_KEYS })
  const byCredential = createWindowCounter({ windowSeconds: WINDOW_SECONDS, maxKeys: MAX_KEYS })
  const good = new LRUCache<CredentialKey, true>({ max: MAX_GOOD, ttl: GOOD_FOR_MS, perf: Date })
  const room = createWaitingRoom()

  /** How many more guesses this address may make. */
  const left = (address: string) => Math.max(0, perMinute - Math.ceil(byAddress.points(address) / COST.guess))

  function refuse(retryAfterSeconds: number): never {
    onRefused?.()
    throw new TooManyFailures(retryAfterSeconds)
  }

  async function fail(address: string, credential: CredentialKey): Promise<void> {
    const cost = byCredential.points(credential) > 0 ? COST.repeat : COST.guess
    await byCredential.add(credential, 1)
    await byAddress.add(address, cost)
  }

  function proven(credential: CredentialKey): Admission {
    return {
      settle: (verdict) => {
        // Showing again what was good an hour ago is no guess, even if it has been changed since.
        if (verdict === 'good') good.set(credential, true)
        else if (verdict === 'bad') good.delete(credential)
      },
    }
  }

  function unproven(address: string, credential: CredentialKey): Admission {
    const leave = room.enter(address)
    let settled = false
    return {
      settle: async (verdict) => {
        if (settled) return
        settled = true
        if (verdict === 'good') {
          good.set(credential, true)
          room.wake(address, credential)
        } else if (verdict === 'bad') {
          await fail(address, credential)
          if (left(address) === 0) room.wake(address)
        }
        leave()
      },
    }
  }

  return {
    async admit(address, credential, gone) {
      const deadline = Date.now() + MAX_WAIT_MS
      for (let woken = false; ; woken = true) {
        const free = left(address)
        const passes = good.has(credential) || gone.aborted
        const isUsedUp = byCredential.points(credential) >= perMinute
        // Whoever was woken for a place and takes none lets the next one have it.
        if (woken && (passes || isUsedUp) && room.inside(address) < free) room.next(address)
        if (passes) return proven(credential)
        if (free === 0) refuse(byAddress.secondsLeft(address))
        if (isUsedUp) refuse(byCredential.secondsLeft(credential))
        if (room.inside(address) < free) return unproven(address, credential)
        const ms = deadline - Date.now()
        if (ms <= 0) refuse(1)
        await room.wait(address, { credential, ms, gone })
      }
    },
  }
}

/** For `BERTH_GATEWAY_FAILED_LOGINS_PER_MINUTE=0`. */
export const unlimitedLogins: FailedLogins = {
  admit: async () => ({ settle: () => undefined }),
}
