import type { Queries } from '@berth/db'
import type { Bus } from '@berth/messaging'
import type { Logger, Registry } from '@berth/runtime'
import type { Settings } from '../setting/index.ts'
import type { Health } from '../system/index.ts'
import { HARBOR_VERSION } from '../version.ts'
import { gatherFigures } from './figures.ts'
import { exporterGauges } from './gauges.ts'

const EVERY_MS = 60_000
/** Starting is over by then. */
const FIRST_MS = 5_000

/**
 * Counts once a minute what Harbor's exporter shows, however often it is read, until stopped. What cannot be counted
 * stays as it was.
 */
export function startExporter(parts: {
  db: Queries
  bus: Bus
  health: Health
  settings: Settings
  metrics: Registry
  log: Logger
  firstMs?: number
}): { stop(): void } {
  const { db, bus, health, settings, metrics, log, firstMs = FIRST_MS } = parts
  const gauges = exporterGauges(metrics)
  let running = false

  async function round(): Promise<void> {
    gauges.showSystem({
      auth_mode: settings.get('auth_mode'),
      harbor_version: HARBOR_VERSION,
      self_registration: String(settings.get('self_registration')),
    })
    gauges.showHealth(await health())
    gauges.showFigures(await gatherFigures(db, bus))
  }

  const attempt = async () => {
    if (running) return
    running = true
    try {
      await round()
    } catch (err) {
      log.warn('the figures of projects could not be counted, will try again', { err })
    } finally {
      running = false
    }
  }
  const first = setTimeout(attempt, firstMs)
  const timer = setInterval(attempt, EVERY_MS)
  first.unref()
  timer.unref()
  return {
    stop: () => {
      clearTimeout(first)
      clearInterval(timer)
    },
  }
}
