import { type Queries, statement, tell } from '@berth/db'
import { quotaWarned } from '@berth/types'

const WARNED_PERCENT = 85

/** What a project uses, and may use; -1 is without limit. */
interface Fill {
  used: number
  limit: number
}

const nextRevision = statement<{ revision: number }>('quota-next-revision', `SELECT nextval('revision') AS revision`)

/** Whether a project is so full that somebody should know. */
function isNearLimit({ used, limit }: Fill): boolean {
  return limit > 0 && used * 100 >= limit * WARNED_PERCENT
}

/** Tells that a project got near its limit, once: when it was not before. Its row is locked. */
export async function warnOnce(
  tx: Queries,
  project: { id: number; name: string },
  before: Fill,
  now: Fill,
  actor?: string,
): Promise<void> {
  if (!isNearLimit(now) || isNearLimit(before)) return
  const row = await tx.find(nextRevision)
  await tell(tx, quotaWarned, {
    revision: row?.revision ?? 0,
    actor,
    data: { projectId: project.id, project: project.name, usedBytes: now.used, limitBytes: now.limit },
  })
}
