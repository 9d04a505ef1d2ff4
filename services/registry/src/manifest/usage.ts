import { type Queries, statement } from '@berth/db'
import { QUOTA_LIMIT } from '../policy/index.ts'
import { quotaExceeded, warnOnce } from '../project/index.ts'

/** Stands in `manifest_blob` for the project of a blob that is kept and counts for nobody. */
export const NO_PROJECT = 0

export interface SizedBlob {
  id: number
  size: number
}

const linkNew = statement<{ blob_id: number }>(
  'usage-link',
  `INSERT INTO project_blob (project_id, blob_id) SELECT $1::bigint, unnest($2::bigint[])
   ON CONFLICT DO NOTHING RETURNING blob_id`,
)
const lockLinks = statement<{ blob_id: number }>(
  'usage-lock-links',
  'SELECT blob_id FROM project_blob WHERE project_id = $1 AND blob_id = ANY($2) ORDER BY blob_id FOR KEY SHARE',
)
const lockLinksForDelete = statement<{ blob_id: number }>(
  'usage-lock-links-delete',
  'SELECT blob_id FROM project_blob WHERE project_id = $1 AND blob_id = ANY($2) ORDER BY blob_id FOR UPDATE',
)
const unlinkUnused = statement<{ blob_id: number }>(
  'usage-unlink',
  `DELETE FROM project_blob pb WHERE pb.project_id = $1 AND pb.blob_id = ANY($2) AND NOT EXISTS (
     SELECT 1 FROM manifest_blob mb WHERE mb.blob_id = pb.blob_id AND mb.project_id = pb.project_id
   )
   RETURNING pb.blob_id`,
)
const addUsed = statement<{ id: number; name: string; used: number; quota_limit: number }>(
  'usage-add',
  `UPDATE project p SET used = used + $2 WHERE id = $1 AND (${QUOTA_LIMIT} < 0 OR used + $2 <= ${QUOTA_LIMIT})
   RETURNING id, name, used, ${QUOTA_LIMIT} AS quota_limit`,
)
const subtractUsed = statement('usage-subtract', 'UPDATE project SET used = greatest(0, used - $2) WHERE id = $1')
const readUsed = statement<{ used: number; quota_limit: number }>(
  'usage-read',
  'SELECT used, quota_limit FROM project WHERE id = $1',
)

/**
 * Notes that manifests of a project name these blobs and holds them noted until the transaction ends. `blobs` sorted
 * by id; call it after the manifest has its references.
 *
 * @returns bytes the project uses more than before
 */
export async function linkToProject(tx: Queries, projectId: number, blobs: readonly SizedBlob[]): Promise<number> {
  if (blobs.length === 0) return 0
  const sizes = new Map(blobs.map(({ id, size }) => [id, size]))
  const ids = [...sizes.keys()]
  let added = 0
  for (;;) {
    const linked = await tx.run(linkNew, [projectId, ids])
    added += linked.reduce((sum, { blob_id }) => sum + (sizes.get(blob_id) ?? 0), 0)
    if (linked.length === ids.length) return added
    const held = await tx.run(lockLinks, [projectId, ids])
    // Fewer: the last manifest that named one was deleted between the two statements.
    if (held.length === ids.length) return added
  }
}

/**
 * Adds to the usage of a project; the last thing in a transaction, so that its lock is short. Tells when that takes it
 * near its limit.
 *
 * @throws {Denied}
 */
export async function addUsage(tx: Queries, projectId: number, bytes: number, actor?: string): Promise<void> {
  if (bytes === 0) return
  const added = await tx.find(addUsed, [projectId, bytes])
  if (added !== undefined) {
    const { used, quota_limit: limit } = added
    return warnOnce(tx, added, { used: used - bytes, limit }, { used, limit }, actor)
  }
  const row = await tx.find(readUsed, [projectId])
  throw quotaExceeded(bytes, row?.used ?? 0, row?.quota_limit ?? 0)
}

/** Keeps others from noting these blobs, sorted by id, while it is found out which of them nobody names any more. */
export async function lockLinksOf(tx: Queries, projectId: number, blobIds: readonly number[]): Promise<void> {
  if (blobIds.length > 0) await tx.run(lockLinksForDelete, [projectId, blobIds])
}

/** Forgets those of the locked blobs that no manifest of the project names; answers their ids. */
export async function unlinkFromProject(
  tx: Queries,
  projectId: number,
  blobIds: readonly number[],
): Promise<ReadonlySet<number>> {
  if (blobIds.length === 0) return new Set()
  return new Set((await tx.run(unlinkUnused, [projectId, blobIds])).map(({ blob_id }) => blob_id))
}

/** The last statement of a transaction. */
export async function subtractUsage(tx: Queries, projectId: number, bytes: number): Promise<void> {
  if (bytes > 0) await tx.run(subtractUsed, [projectId, bytes])
}
