import { setTimeout as sleep } from 'node:timers/promises'
import type { Queries } from '@berth/db'
import { Unavailable } from '@berth/errors'
import type { Logger } from '@berth/runtime'
import type { Seal } from '../secret/index.ts'
import { type OidcPerson, oidcStore } from './oidc-store.ts'
import type { Granted, Provider } from './provider.ts'
import { GrantEnded } from './provider-errors.ts'
import { findSecret, PURPOSE } from './purposes.ts'

const WAIT_MS = 10_000
const LOOK_EVERY_MS = 200

/** Whether people still have a session at the provider, which their CLI secrets hang on. */
export interface ProviderSessions {
  /**
   * Whether the provider still vouches for somebody. Asked at most once for all who want to know at the same time, and
   * not again before its answer is old. What it says of their groups is taken over.
   *
   * @throws {Unavailable} it cannot be asked
   */
  isAlive(person: OidcPerson): Promise<boolean>
}

export function createProviderSessions(deps: {
  database: Queries
  seal: Seal
  provider: Provider
  /** Brings the user up to date with what the provider has just said. */
  bringUpToDate: (granted: Granted) => Promise<void>
  log: Logger
}): ProviderSessions {
  const { database, seal, provider, bringUpToDate, log } = deps
  const asking = new Map<number, Promise<boolean>>()

  async function ask(person: OidcPerson): Promise<boolean> {
    // A refresh token goes to nobody but who gave it.
    if ((await provider.issuer()) !== person.issuer) return false
    for (const giveUpAt = Date.now() + WAIT_MS; Date.now() < giveUpAt; await sleep(LOOK_EVERY_MS)) {
      const turn = await oidcStore.takeTurn(database, person.userId)
      if (turn) return refresh(person, turn.refreshToken)
      const now = await oidcStore.byId(database, person.userId)
      if (!now || now.ended || (!now.alive && now.refreshToken === null)) return false
      if (now.alive) return true
    }
    throw new Unavailable('the sign-in provider cannot be reached')
  }

  async function refresh(person: OidcPerson, before: string): Promise<boolean> {
    const { userId } = person
    try {
      const token = findSecret(seal, before, PURPOSE.refreshToken(userId))
      if (token === undefined) throw new GrantEnded('the refresh token is sealed under another key')
      const granted = await provider.refresh(token, person)
      const after = seal.close(granted.refreshToken ?? '', PURPOSE.refreshToken(userId))
      // Kept first, since a provider may give each of them once; it counts when the groups have been taken over.
      await oidcStore.rotated(database, userId, before, after)
      await bringUpToDate(granted)
      await oidcStore.refreshed(database, userId, after, granted.aliveUntil)
      return true
    } catch (err) {
      if (err instanceof GrantEnded) {
        await oidcStore.end(database, userId, before)
        log.info('the session at the provider is over', { userId, reason: err.message })
        return false
      }
      await oidcStore.leaveTurn(database, userId)
      throw err
    }
  }

  return {
    async isAlive(person) {
      if (person.ended) return false
      if (person.alive) return true
      if (person.refreshToken === null) return false
      let answer = asking.get(person.userId)
      if (!answer) {
        answer = ask(person).finally(() => asking.delete(person.userId))
        asking.set(person.userId, answer)
      }
      return answer
    },
  }
}
