import { type Queries, statement } from '@berth/db'
import { none } from './none.ts'

/** Manifests looked at in one statement. */
const WINDOW = 5_000

const upperBound = statement<{ upper: number | null }>(
  'gc-mark-upper',
  `SELECT max(id) AS upper FROM (SELECT id FROM manifest WHERE id > $1 ORDER BY id LIMIT ${WINDOW}) AS next`,
)
/**
 * Untagged, older than the window, in no index but such that go too, and accessory of nothing but what goes too; what
 * goes takes its accessories along. Manifests taken over without their tags being known are spared.
 */
const mark = statement<{ manifest_id: number }>(
  'gc-mark',
  `INSERT INTO gc_manifest (run_id, manifest_id)
   SELECT $1, m.id FROM manifest m
   JOIN repository r ON r.id = m.repository_id JOIN project p ON p.id = r.project_id AND p.state = 'open'
   LEFT JOIN manifest s ON s.repository_id = m.repository_id AND s.digest = m.accessory_of AND s.id <> m.id
   WHERE m.id > $2 AND m.id <= $3 AND m.adopted_at IS NULL
     AND ${none('FROM gc_manifest g WHERE g.run_id = $1 AND g.manifest_id = m.id')}
     AND ${none(`FROM manifest_child c WHERE c.child_id = m.id
       AND NOT EXISTS (SELECT 1 FROM gc_manifest g WHERE g.run_id = $1 AND g.manifest_id = c.parent_id)`)}
     AND CASE WHEN s.id IS NULL
       THEN m.pushed_at < now() - $4 * interval '1 ms' AND ${none('FROM tag t WHERE t.manifest_id = m.id')}
       ELSE EXISTS (SELECT 1 FROM gc_manifest g WHERE g.run_id = $1 AND g.manifest_id = s.id) END
   ON CONFLICT DO NOTHING RETURNING manifest_id`,
)
const nextMarked = statement<MarkedManifest>(
  'gc-next-marked',
  `SELECT g.manifest_id AS id, r.name AS repository, m.digest
   FROM gc_manifest g LEFT JOIN (manifest m JOIN repository r ON r.id = m.repository_id) ON m.id = g.manifest_id
   WHERE g.run_id = $1 AND ($2 = 0 OR g.manifest_id < $2) ORDER BY g.manifest_id DESC LIMIT $3`,
)
const unmarkGone = statement<{ manifest_id: number }>(
  'gc-unmark-gone',
  `DELETE FROM gc_manifest g WHERE g.run_id = $1 AND g.manifest_id = ANY($2)
     AND NOT EXISTS (SELECT 1 FROM manifest m WHERE m.id = g.manifest_id)
   RETURNING g.manifest_id`,
)
const isFree = statement<{ free: boolean }>(
  'gc-is-free',
  `SELECT m.adopted_at IS NULL AND m.pushed_at < now() - $2 * interval '1 ms'
     AND NOT EXISTS (SELECT 1 FROM tag t WHERE t.manifest_id = m.id)
     AND NOT EXISTS (
       SELECT 1 FROM manifest s
       WHERE s.repository_id = m.repository_id AND s.digest = m.accessory_of AND s.id <> m.id
     ) AS free
   FROM manifest m WHERE m.id = $1`,
)

/** `repository` and `digest` are null when it is gone already. */
export interface MarkedManifest {
  id: number
  repository: string | null
  digest: string | null
}

/**
 * Marks what a run will delete among the next manifests after `cursor`; `cursor` is undefined at the end of the turn.
 * Turns are repeated until one finds nothing: a child may stand before its index.
 */
export async function markUntagged(
  tx: Queries,
  run: { id: number; cursor: number; window_ms: number },
): Promise<{ cursor: number | undefined; found: number }> {
  const upper = (await tx.find(upperBound, [run.cursor]))?.upper ?? null
  if (upper === null) return { cursor: undefined, found: 0 }
  const found = await tx.run(mark, [run.id, run.cursor, upper, run.window_ms])
  return { cursor: upper, found: found.length }
}

/** The next marked manifests below `cursor`, newest first: what names others comes after them. */
export function listMarked(queries: Queries, runId: number, cursor: number, limit: number): Promise<MarkedManifest[]> {
  return queries.run(nextMarked, [runId, cursor, limit])
}

/** Takes the marks off those that are gone; answers how many. */
export async function unmarkDeleted(tx: Queries, runId: number, ids: readonly number[]): Promise<number> {
  return (await tx.run(unmarkGone, [runId, ids])).length
}

/** Whether a manifest, locked, is still what garbage collection may delete by itself; not if it was pushed again. */
export async function isStillUntagged(tx: Queries, manifestId: number, windowMs: number): Promise<boolean> {
  return (await tx.find(isFree, [manifestId, windowMs]))?.free ?? false
}
