import type { Queries } from '@berth/db'
import type { Logger } from '@berth/runtime'
import { sessionStore } from './session-store.ts'

const EVERY_MS = 10 * 60_000

/** Takes sessions that have ended out of the table, until stopped. */
export function startSessionSweep(db: Queries, log: Logger): { stop(): void } {
  const timer = setInterval(() => {
    sessionStore.removeExpired(db).catch((err) => log.warn('ended sessions stay in the table', { err }))
  }, EVERY_MS)
  timer.unref()
  return { stop: () => clearInterval(timer) }
}
