import { type Answer, answer } from '@berth/messaging'
import { Counter, Gauge, type Registry } from '@berth/runtime'
import { usageReconcile } from '@berth/types'
import { alone, choreOf } from '../chore/index.ts'
import { every } from '../every.ts'
import { isNight } from './night.ts'
import { type ReconcileParts, reconcile } from './reconcile.ts'

const LOOK_MS = 300_000
/** Less than a day, so that the next night is not missed by minutes. */
const ROUND_MS = 20 * 3_600_000

export interface Reconciliation {
  /** `svc.registry.v1.usage.reconcile` */
  answers: Answer[]
  stop(): Promise<void>
}

/** Reconciles usage once a night, on one replica, and when it is asked to. */
export function startReconcile(parts: ReconcileParts & { metrics: Registry }): Reconciliation {
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
  const round = async () => {
    const report = await reconcile({ ...parts, signal: stopping.signal })
    corrections.inc(report.drifted)
    drift.set(report.driftBytes)
    const { projects, drifted, driftBytes } = report
    log.info('usage has been reconciled', { projects, drifted, driftBytes })
  }
  const night = async () => {
    if (!isNight(new Date())) return
    await alone(database, 'reconcile', async () => {
      const chore = choreOf(database, 'reconcile')
      if ((await chore.take(ROUND_MS)) === undefined) return
      await round()
      await chore.finish()
    })
  }
  let asked: Promise<void> | undefined
  const now = () =>
    alone(database, 'reconcile', round)
      .then(() => undefined)
      .catch((err) => {
        if (!stopping.signal.aborted) log.warn('usage could not be reconciled', { err })
      })
      .finally(() => {
        asked = undefined
      })
  const rounds = every(LOOK_MS, 'reconcile', night, log)
  return {
    answers: [
      answer(usageReconcile, async () => {
        asked ??= now()
        return { started: true as const }
      }),
    ],
    async stop() {
      stopping.abort()
      await Promise.all([rounds.stop(), asked])
    },
  }
}
