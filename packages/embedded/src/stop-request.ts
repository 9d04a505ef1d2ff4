import type { Pace } from './suite.ts'

const WATCH_MS = 500
// On a Ctrl-C the terminal signals everybody and npm hands it on once more: that is one wish, not two.
const ONE_WISH_MS = { terminal: 700, otherwise: 250 }

export interface StopRequests {
  /** The first request to stop, and how. */
  readonly first: Promise<Pace>
  /** A second one. */
  readonly second: Promise<void>
}

/**
 * Watches for SIGTERM, SIGINT and SIGHUP, and for the death of whoever started us.
 *
 * @param parentPid who that is
 */
export function watchStopRequests(parentPid: number, isTerminal: boolean): StopRequests {
  const first = Promise.withResolvers<Pace>()
  const second = Promise.withResolvers<void>()
  let firstAt: number | undefined
  const oneWishMs = isTerminal ? ONE_WISH_MS.terminal : ONE_WISH_MS.otherwise
  const onSignal = () => {
    if (firstAt === undefined) {
      firstAt = Date.now()
      first.resolve('calm')
    } else if (Date.now() - firstAt > oneWishMs) second.resolve()
  }
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, onSignal)
  const watch = setInterval(() => {
    if (process.ppid === parentPid) return
    clearInterval(watch)
    firstAt ??= Date.now()
    first.resolve('hurried')
  }, WATCH_MS)
  watch.unref()
  return { first: first.promise, second: second.promise }
}
