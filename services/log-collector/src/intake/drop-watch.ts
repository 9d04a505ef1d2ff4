import type { Logger } from '@berth/runtime'
import type { Ledger } from './ledger.ts'

/** Says once a minute and service how many more lines were lost. */
export function watchDrops(ledger: Ledger, log: Logger, everyMs = 60_000): () => void {
  let said = ledger.dropped(Date.now())
  const timer = setInterval(() => {
    const dropped = ledger.dropped(Date.now())
    for (const [service, total] of Object.entries(dropped)) {
      const lines = total - (said[service] ?? 0)
      if (lines > 0) log.warn('log lines were lost before they reached the stream', { of: service, lines, total })
    }
    said = dropped
  }, everyMs)
  return () => clearInterval(timer)
}
