import { type Queries, statement } from '@berth/db'
import type { Logger } from '@berth/runtime'
import { ANONYMOUS } from '../caller/caller.ts'
import { type PolicyChanges, policyStore, repeat } from '../project/index.ts'

const LOOK_MS = 10_000

const find = statement<{ told: boolean }>('quota-switch-find', 'SELECT told FROM quota_switch')
const turn = statement<{ told: boolean }>(
  'quota-switch-turn',
  'UPDATE quota_switch SET told = $1 WHERE told <> $1 RETURNING told',
)

/** The setting `quota_per_project_enable`, as far as the registry has heard of it. */
export interface QuotaSwitch {
  /**
   * Tells the registry the limit of every project, or that there is none, if the setting has changed since it was told.
   *
   * @throws {Unavailable} saved, not yet in force
   */
  obey(): Promise<void>
}

export function createQuotaSwitch(database: Queries, policies: PolicyChanges): QuotaSwitch {
  return {
    async obey() {
      // Most of the time there is nothing to do, and nobody to keep waiting.
      if ((await database.find(find))?.told === (await policyStore.areQuotasOn(database))) return
      await policies.changeSuite(ANONYMOUS, async (tx) => {
        const isTurned = (await tx.find(turn, [await policyStore.areQuotasOn(tx)])) !== undefined
        return isTurned ? 'open' : 'none'
      })
    },
  }
}

/** Looks every ten seconds, for the environment or another replica may have changed it. */
export function startQuotaSwitch(quotas: QuotaSwitch, log: Logger): { stop(): void } {
  return repeat(
    () => quotas.obey(),
    LOOK_MS,
    (err) => log.warn('the registry hears of limits later', { err }),
  )
}
