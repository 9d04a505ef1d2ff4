import { LRUCache } from 'lru-cache'
import { RateLimiterMemory } from 'rate-limiter-flexible'
import type { CredentialKey } from './credentials.ts'
import { TooManyFailures } from './too-many-failures.ts'
import type { Verdict } from './verdict.ts'
import { createWaitingRoom } from './waiting-room.ts'

const WINDOW_SECONDS = 60
const MAX_ADDRESSES = 20_000
const MAX_GOOD = 50_000
const GOOD_FOR_MS = 3_600_000
const MAX_WAIT_MS = 10_000

export interface Admission {
  /** Tells what came of it; to be called once, `unknown` when nothing did. */
  settle(verdict: Verdict): void
}

export interface FailedLogins {
  /**
   * Lets a request with credentials through, or not. Credentials that were good from this address within the last hour
   * always pass. Others pass while the address has failures left this minute, no more of them at a time than that, so
   * that guesses sent all at once are no more than guesses sent in turn; the rest wait for those before them.
   *
   * @throws {TooManyFailures} the address has used up its failures, or nothing moved for ten seconds
   */
  admit(address: string, credential: CredentialKey, gone: AbortSignal): Promise<Admission>
}

interface Spent {
  failures: number
  untilMs: number
}

/** Counts failures by address; successes are never counted. Memory is bounded: the addresses longest quiet go first. */
export function limitFailedLogins(options: { perMinute: number; onRefused?: () => void }): FailedLogins {
  const { perMinute, onRefused } = options
  const limiter = new RateLimiterMemory({ points: perMinute, duration: WINDOW_SECONDS })
  const spent = new LRUCache<string, Spent>({
    max: MAX_ADDRESSES,
    dispose: (_, address, reason) => void (reason === 'evict' && limiter.delete(address)),
  })
  const good = new LRUCache<CredentialKey, true>({ max: MAX_GOOD, ttl: GOOD_FOR_MS })
  const room = createWaitingRoom()

  const spentNow = (address: string): Spent | undefined => {
    const found = spent.get(address)
    return found && found.untilMs > Date.now() ? found : undefined
  }
  const left = (address: string) => perMinute - (spentNow(address)?.failures ?? 0)
  const refuse = (retryAfterSeconds: number): never => {
    onRefused?.()
    throw new TooManyFailures(retryAfterSeconds)
  }

  async function fail(address: string): Promise<void> {
    const { consumedPoints, msBeforeNext } = await limiter.penalty(address)
    spent.set(address, { failures: consumedPoints, untilMs: Date.now() + msBeforeNext })
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
    return {
      settle: async (verdict) => {
        if (verdict === 'good') {
          good.set(credential, true)
          room.wake(address, credential)
        } else if (verdict === 'bad') {
          await fail(address)
          if (left(address) <= 0) room.wake(address)
        }
        leave()
      },
    }
  }

  return {
    async admit(address, credential, gone) {
      const deadline = Date.now() + MAX_WAIT_MS
      for (let woken = false; ; woken = true) {
        const isGood = good.has(credential)
        // Whoever takes no place after having been woken lets the next one have it.
        if (woken && (isGood || gone.aborted)) room.next(address)
        if (isGood || gone.aborted) return proven(credential)
        const free = left(address)
        if (free <= 0) refuse(Math.ceil(((spentNow(address)?.untilMs ?? 0) - Date.now()) / 1000))
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
