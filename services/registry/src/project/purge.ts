import { type Database, type Queries, statement } from '@berth/db'

const BATCH = 200

// A push that is under way holds the project: what it brings is to be seen.
const findUnpurged = statement<{ id: number }>(
  'purge-find',
  `SELECT id FROM project WHERE state = 'deleted' AND purged_at IS NULL ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED`,
)
const endUploads = statement(
  'purge-uploads',
  `UPDATE upload SET expires_at = now() - interval '1 s'
   WHERE repository_id IN (SELECT id FROM repository WHERE project_id = $1) AND expires_at > now()`,
)
const deleteIndexLinks = statement<{ parent_id: number }>(
  'purge-children',
  `DELETE FROM manifest_child WHERE (parent_id, child_id) IN (
     SELECT c.parent_id, c.child_id FROM repository r
     JOIN manifest m ON m.repository_id = r.id JOIN manifest_child c ON c.parent_id = m.id
     WHERE r.project_id = $1 LIMIT $2
   ) RETURNING parent_id`,
)
const listManifests = statement<{ id: number; digest: string }>(
  'purge-list-manifests',
  `SELECT m.id, m.digest FROM repository r JOIN manifest m ON m.repository_id = r.id
   WHERE r.project_id = $1 ORDER BY m.id LIMIT $2`,
)
const lockBlobs = statement(
  'purge-lock-blobs',
  `SELECT id FROM blob WHERE id IN (SELECT blob_id FROM manifest_blob WHERE manifest_id = ANY($1))
   ORDER BY id FOR NO KEY UPDATE`,
)
const touchBlobs = statement(
  'purge-touch-blobs',
  `UPDATE blob SET touched_at = now()
   WHERE id IN (SELECT blob_id FROM manifest_blob WHERE manifest_id = ANY($1))`,
)
const deleteTags = statement('purge-tags', 'DELETE FROM tag WHERE manifest_id = ANY($1)')
const lockContents = statement(
  'purge-lock-contents',
  'SELECT digest FROM manifest_content WHERE digest = ANY($1) ORDER BY digest FOR NO KEY UPDATE',
)
const dropContents = statement(
  'purge-contents',
  'UPDATE manifest_content SET dropped_at = now() WHERE digest = ANY($1)',
)
const deleteManifests = statement('purge-manifests', 'DELETE FROM manifest WHERE id = ANY($1)')
const deleteLinks = statement<{ blob_id: number }>(
  'purge-links',
  `DELETE FROM repository_blob WHERE (repository_id, blob_id) IN (
     SELECT rb.repository_id, rb.blob_id FROM repository r JOIN repository_blob rb ON rb.repository_id = r.id
     WHERE r.project_id = $1 LIMIT $2
   ) RETURNING blob_id`,
)
const deleteUsage = statement<{ blob_id: number }>(
  'purge-usage',
  `DELETE FROM project_blob WHERE (project_id, blob_id) IN (
     SELECT project_id, blob_id FROM project_blob WHERE project_id = $1 LIMIT $2
   ) RETURNING blob_id`,
)
const deleteRepositories = statement<{ id: number }>(
  'purge-repositories',
  `DELETE FROM repository WHERE id IN (SELECT id FROM repository WHERE project_id = $1 LIMIT $2) RETURNING id`,
)
const markPurged = statement('purge-done', 'UPDATE project SET purged_at = now(), used = 0 WHERE id = $1')

/**
 * Takes away what deleted projects held, in batches; their blobs are left to garbage collection. The row of the
 * project stays as a mark against late messages. It is a loop over rows, so a crash loses nothing, and replicas take
 * different projects. Answers how many projects were done with.
 */
export async function purgeProjects(database: Database): Promise<number> {
  let purged = 0
  for (;;) {
    const outcome = await database.transaction(step)
    if (outcome === undefined) return purged
    if (outcome === 'purged') purged++
  }
}

/** One batch of one project; `undefined` when no project is left, or others have them in hand. */
async function step(tx: Queries): Promise<'more' | 'purged' | undefined> {
  const project = await tx.find(findUnpurged)
  if (project === undefined) return undefined
  await tx.run(endUploads, [project.id])
  if (await purgeBatch(tx, project.id)) return 'more'
  await tx.run(markPurged, [project.id])
  return 'purged'
}

/** True when something was done and more may be left. */
async function purgeBatch(tx: Queries, projectId: number): Promise<boolean> {
  if ((await tx.run(deleteIndexLinks, [projectId, BATCH])).length > 0) return true
  const manifests = await tx.run(listManifests, [projectId, BATCH])
  if (manifests.length > 0) {
    const ids = manifests.map(({ id }) => id)
    const digests = manifests.map(({ digest }) => digest)
    await tx.run(lockBlobs, [ids])
    await tx.run(touchBlobs, [ids])
    await tx.run(deleteTags, [ids])
    await tx.run(lockContents, [digests])
    await tx.run(dropContents, [digests])
    await tx.run(deleteManifests, [ids])
    return true
  }
  for (const what of [deleteLinks, deleteUsage, deleteRepositories]) {
    if ((await tx.run<object>(what, [projectId, BATCH])).length > 0) return true
  }
  return false
}
