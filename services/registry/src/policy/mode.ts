import { type Database, statement } from '@berth/db'
import { type Answer, answer } from '@berth/messaging'
import { modePut } from '@berth/types'

const put = statement<{ revision: number }>(
  'mode-put',
  `WITH newer AS (
     UPDATE mode SET read_only = $1, record_pulls = $2, count_pulls = $4, time_pulls = $5, enforce_quotas = $6, revision = $3
     WHERE revision < $3 RETURNING revision
   )
   SELECT revision FROM newer UNION ALL SELECT revision FROM mode ORDER BY revision DESC LIMIT 1`,
)

/** Whether nothing may be changed, for statements that read a project: what {@link readOnly} is thrown by. */
export const READ_ONLY = '(SELECT read_only FROM mode) AS read_only'

/** The limit in bytes of a project in a table called p, -1 without limit or while quotas are not enforced. */
export const QUOTA_LIMIT = '(CASE WHEN (SELECT enforce_quotas FROM mode) THEN p.quota_limit ELSE -1 END)'

/** `svc.registry.v1.mode.put` */
export function modeAnswers(database: Database): Answer[] {
  return [
    answer(modePut, async ({ readOnly, recordPulls, revision, ...rest }) => {
      const { countPulls = true, timePulls = true, enforceQuotas = true } = rest
      const kept = await database.find(put, [readOnly, recordPulls, revision, countPulls, timePulls, enforceQuotas])
      return { revision: kept?.revision ?? revision }
    }),
  ]
}
