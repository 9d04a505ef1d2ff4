import { type Database, type Queries, statement } from '@berth/db'
import { lockLinksOf, unlinkFromProject } from '../manifest/index.ts'

const PAGE = 50
const BATCH = 500

const listProjects = statement<ProjectUsage>(
  'reconcile-list',
  `SELECT p.id, p.name, p.used, (
     SELECT coalesce(sum(b.size), 0)::bigint FROM project_blob pb JOIN blob b ON b.id = pb.blob_id
     WHERE pb.project_id = p.id
   ) AS sum
   FROM project p WHERE p.id > $1 AND p.state <> 'deleted' ORDER BY p.id LIMIT ${PAGE}`,
)
/** Blobs a project counts that no manifest of it names, and the other way round. */
const listStray = statement<{ blob_id: number }>(
  'reconcile-stray',
  `SELECT blob_id FROM (
     SELECT pb.blob_id FROM project_blob pb WHERE pb.project_id = $1 AND NOT EXISTS (
       SELECT 1 FROM manifest_blob mb WHERE mb.blob_id = pb.blob_id AND mb.project_id = $1
     )
     UNION
     SELECT mb.blob_id FROM manifest_blob mb
     JOIN manifest m ON m.id = mb.manifest_id JOIN repository r ON r.id = m.repository_id
     WHERE r.project_id = $1 AND mb.project_id = $1 AND NOT EXISTS (
       SELECT 1 FROM project_blob pb WHERE pb.blob_id = mb.blob_id AND pb.project_id = $1
     )
   ) AS stray ORDER BY blob_id LIMIT ${BATCH}`,
)
const lockProjectShared = statement('reconcile-project', 'SELECT id FROM project WHERE id = $1 FOR KEY SHARE')
const lockBlobs = statement<{ id: number; size: number }>(
  'reconcile-blobs',
  'SELECT id, size FROM blob WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE',
)
const linkNamed = statement<{ blob_id: number }>(
  'reconcile-link',
  `INSERT INTO project_blob (project_id, blob_id)
   SELECT $1::bigint, b.id FROM unnest($2::bigint[]) AS b(id)
   WHERE EXISTS (SELECT 1 FROM manifest_blob mb WHERE mb.blob_id = b.id AND mb.project_id = $1)
   ORDER BY b.id ON CONFLICT DO NOTHING RETURNING blob_id`,
)
const addUsed = statement('reconcile-add', 'UPDATE project SET used = greatest(0, used + $2) WHERE id = $1')
const lockUsage = statement('reconcile-lock-usage', 'SELECT id FROM project WHERE id = $1 FOR NO KEY UPDATE')
const correct = statement<{ was: number; used: number }>(
  'reconcile-correct',
  `WITH s AS (
     SELECT p.id, p.used AS was, (
       SELECT coalesce(sum(b.size), 0)::bigint FROM project_blob pb JOIN blob b ON b.id = pb.blob_id
       WHERE pb.project_id = p.id
     ) AS sum FROM project p WHERE p.id = $1
   )
   UPDATE project SET used = s.sum FROM s WHERE project.id = s.id AND s.was <> s.sum
   RETURNING s.was, project.used`,
)

export interface ProjectUsage {
  id: number
  name: string
  /** What it is said to use, in bytes, and what its blobs come to; seen at one moment. */
  used: number
  sum: number
}

export function listUsage(queries: Queries, after: number): Promise<ProjectUsage[]> {
  return queries.run(listProjects, [after])
}

/** Some blobs of a project that are counted and not named, or named and not counted. */
export async function strayBlobs(queries: Queries, projectId: number): Promise<number[]> {
  return (await queries.run(listStray, [projectId])).map(({ blob_id }) => blob_id)
}

/**
 * Counts blobs of a project by what its manifests name, in the order of locks; answers how many links were made and
 * taken away. The usage changes with them.
 */
export function relink(database: Database, projectId: number, blobIds: readonly number[]): Promise<number> {
  return database.transaction(async (tx) => {
    await tx.run(lockProjectShared, [projectId])
    const blobs = await tx.run(lockBlobs, [blobIds])
    const ids = blobs.map(({ id }) => id)
    await lockLinksOf(tx, projectId, ids)
    const unlinked = await unlinkFromProject(tx, projectId, ids)
    const linked = new Set((await tx.run(linkNamed, [projectId, ids])).map(({ blob_id }) => blob_id))
    await tx.run(addUsed, [projectId, bytesOf(blobs, linked) - bytesOf(blobs, unlinked)])
    return linked.size + unlinked.size
  })
}

function bytesOf(blobs: readonly { id: number; size: number }[], ids: ReadonlySet<number>): number {
  return blobs.filter(({ id }) => ids.has(id)).reduce((sum, { size }) => sum + size, 0)
}

/** Says the usage of a project anew, with its row held: nobody can be about to add to it. */
export function correctUsage(
  database: Database,
  projectId: number,
): Promise<{ was: number; used: number } | undefined> {
  return database.transaction(async (tx) => {
    await tx.run(lockUsage, [projectId])
    // A statement of its own sees what was committed until the lock was had.
    return tx.find(correct, [projectId])
  })
}
