import { Counter, Gauge, type Registry } from '@berth/runtime'
import { alone, choreOf } from '../chore/index.ts'
import { every } from '../every.ts'
import { isNight } from './night.ts'
import { type ReconcileParts, reconcile } from './reconcile.ts'

const LOOK_MS = 300_000
/** Less than a day, so that the next night is not missed by minutes. */
const ROUND_MS = 20 * 3_600_000

/** Reconciles usage once a night, on one replica. */
export function startReconcile(parts: ReconcileParts & { metrics: Registry }): { stop(): Promise<void> } {
  const { database, log, metrics } = parts
  const corrections = new Counter({
    name: 'berth_registry_usage_corrections_total',
    help: 'Projects whose usage was not what their blobs come to, and was corrected',
    registers: [metrics],
  })
  const drift = new Gauge({
    name: 'berth_registry_usage_drift_bytes',
    help: 'What usages were off by when they were last reconciled, summed over projects',
    registers: [metrics],
  })
  const stopping = new AbortController()
  const night = async () => {
    if (!isNight(new Date())) return
    await alone(database, 'reconcile', async () => {
      const chore = choreOf(database, 'reconcile')
      if ((await chore.take(ROUND_MS)) === undefined) return
      const report = await reconcile({ ...parts, signal: stopping.signal })
      await chore.finish()
      corrections.inc(report.drifted)
      drift.set(report.driftBytes)
      const { projects, drifted, driftBytes } = report
      log.info('usage has been reconciled', { projects, drifted, driftBytes })
    })
  }
  const rounds = every(LOOK_MS, 'reconcile', night, log)
  return {
    async stop() {
      stopping.abort()
      await rounds.stop()
    },
  }
}
