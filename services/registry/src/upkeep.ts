import type { Database, Relay } from '@berth/db'
import type { Answer } from '@berth/messaging'
import type { Logger, Registry as Metrics } from '@berth/runtime'
import type { Config } from './config.ts'
import { collectManifest, gcAnswers, gcEngine, gcMetrics } from './gc/index.ts'
import { startReconcile } from './reconcile/index.ts'
import { startScrub } from './scrub/index.ts'
import type { Storage } from './storage/index.ts'

export interface UpkeepParts {
  database: Database
  storage: Storage
  relay: Pick<Relay, 'poke'>
  config: Pick<Config, 'gc' | 'scrubBytesPerSecond'>
  log: Logger
  metrics: Metrics
}

export interface Upkeep {
  answers: Answer[]
  stop(): Promise<void>
}

/** What keeps tables and storage right over time: garbage collection, the scrub, and the reconciliation of usage. */
export function startUpkeep({ database, storage, relay, config, log, metrics }: UpkeepParts): Upkeep {
  const step = gcEngine({
    ...config.gc,
    database,
    storage,
    deleteUntagged: collectManifest({ database, onChange: () => relay.poke(), log }),
    metrics: gcMetrics(metrics),
  })
  const onChange = () => relay.poke()
  const scrub = startScrub({ database, storage, log, onChange, bytesPerSecond: config.scrubBytesPerSecond, metrics })
  const reconciliation = startReconcile({ database, log, metrics })
  return {
    answers: [...gcAnswers(step), ...reconciliation.answers],
    async stop() {
      await Promise.all([scrub.stop(), reconciliation.stop()])
    },
  }
}
