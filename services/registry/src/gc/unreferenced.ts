import { type Queries, statement } from '@berth/db'
import type { StorageKey } from '../storage/index.ts'
import { none } from './none.ts'

/** Blobs looked at, and rows changed, in one statement. */
const WINDOW = 5_000
const BATCH = 500

/** Nothing names it: no manifest, and no project counts it. */
const UNREFERENCED = `${none('FROM manifest_blob mb WHERE mb.blob_id = b.id')}
     AND ${none('FROM project_blob pb WHERE pb.blob_id = b.id')}`

/** It came to a repository while the upload of another one to it was under way: a manifest is about to name both. */
const NOT_LEASED = none(`FROM upload u JOIN repository_blob rb ON rb.repository_id = u.repository_id
       WHERE rb.blob_id = b.id AND u.lease_until > now() AND u.created_at <= b.touched_at`)

const upperBound = statement<{ upper: number | null }>(
  'gc-blob-upper',
  `SELECT max(id) AS upper FROM (SELECT id FROM blob WHERE id > $1 ORDER BY id LIMIT ${WINDOW}) AS next`,
)
/** A blob only marked manifests name is counted with what goes, as their deletion leaves it unreferenced. */
const measure = statement<{ stored: number; blobs: number; bytes: number }>(
  'gc-measure',
  `SELECT coalesce(sum(size), 0)::bigint AS stored, count(*) FILTER (WHERE eligible) AS blobs,
     coalesce(sum(size) FILTER (WHERE eligible), 0)::bigint AS bytes
   FROM (
     SELECT b.size, (b.condemned_at IS NOT NULL OR b.touched_at < now() - $4 * interval '1 ms')
       AND ${none(`FROM manifest_blob mb WHERE mb.blob_id = b.id
         AND NOT EXISTS (SELECT 1 FROM gc_manifest g WHERE g.run_id = $1 AND g.manifest_id = mb.manifest_id)`)}
       AND ${NOT_LEASED} AS eligible
     FROM blob b WHERE b.id > $2 AND b.id <= $3
   ) AS seen`,
)
const condemn = statement<{ id: number }>(
  'gc-condemn',
  `WITH c AS (
     SELECT b.id FROM blob b
     WHERE b.id > $1 AND b.id <= $2 AND b.condemned_at IS NULL AND b.touched_at < now() - $3 * interval '1 ms'
       AND ${UNREFERENCED} AND ${NOT_LEASED}
     ORDER BY b.id LIMIT ${BATCH} FOR UPDATE OF b SKIP LOCKED
   )
   UPDATE blob SET condemned_at = now() WHERE id = ANY (ARRAY(SELECT id FROM c)) RETURNING id`,
)
const hasCondemned = statement<{ found: boolean }>(
  'gc-has-condemned',
  'SELECT EXISTS (SELECT 1 FROM blob WHERE condemned_at IS NOT NULL) AS found',
)
const lockCondemned = statement<{ id: number }>(
  'gc-lock-condemned',
  `SELECT id FROM blob
   WHERE condemned_at IS NOT NULL AND condemned_at < now() - $1 * interval '1 ms' AND id > $2
   ORDER BY id LIMIT ${BATCH} FOR UPDATE SKIP LOCKED`,
)
const removeRows = statement<RemovedBlob>(
  'gc-remove-rows',
  `DELETE FROM blob b WHERE b.id = ANY($1) AND ${UNREFERENCED} RETURNING b.digest, b.storage_key, b.size,
     b.corrupt_at IS NOT NULL AS corrupt`,
)
const revive = statement('gc-revive', 'UPDATE blob SET condemned_at = NULL WHERE id = ANY($1)')
const throwAway = statement(
  'gc-throw-away',
  `INSERT INTO trash (storage_key, size) SELECT * FROM unnest($1::text[], $2::bigint[]) ON CONFLICT DO NOTHING`,
)

export interface RemovedBlob {
  digest: string
  storage_key: StorageKey
  size: number
  /** Its bytes may be gone already. */
  corrupt: boolean
}

/** How many blobs the next ones after `cursor` hold, and what of them would go; undefined at the end. */
export async function measureBlobs(tx: Queries, run: { id: number; cursor: number; window_ms: number }) {
  const upper = (await tx.find(upperBound, [run.cursor]))?.upper ?? null
  if (upper === null) return undefined
  const row = await tx.find(measure, [run.id, run.cursor, upper, run.window_ms])
  return { cursor: upper, stored: row?.stored ?? 0, blobs: row?.blobs ?? 0, bytes: row?.bytes ?? 0 }
}

/** Condemns what nobody refers to among the next blobs after `cursor`; answers where to go on, undefined at the end. */
export async function condemnBlobs(
  tx: Queries,
  run: { cursor: number; window_ms: number },
): Promise<number | undefined> {
  const upper = (await tx.find(upperBound, [run.cursor]))?.upper ?? null
  if (upper === null) return undefined
  const condemned = await tx.run(condemn, [run.cursor, upper, run.window_ms])
  // A full batch may have left some of them.
  return condemned.length === BATCH ? Math.max(...condemned.map(({ id }) => id)) : upper
}

export async function anyCondemned(queries: Queries): Promise<boolean> {
  return (await queries.find(hasCondemned))?.found ?? false
}

/**
 * Takes the rows of the next condemned blobs away and puts their keys in the trash, in a transaction of the caller. What
 * has been referred to meanwhile is alive again. `cursor` is undefined when no more are condemned.
 */
export async function removeCondemned(
  tx: Queries,
  run: { cursor: number; grace_ms: number },
): Promise<{ cursor: number | undefined; removed: RemovedBlob[] }> {
  const ids = (await tx.run(lockCondemned, [run.grace_ms, run.cursor])).map(({ id }) => id)
  if (ids.length === 0) return { cursor: undefined, removed: [] }
  // A statement of its own sees whoever referred to one of them before it was locked.
  const removed = await tx.run(removeRows, [ids])
  if (removed.length < ids.length) await tx.run(revive, [ids])
  const keys = removed.map((blob) => blob.storage_key)
  if (keys.length > 0) await tx.run(throwAway, [keys, removed.map(({ size }) => size)])
  return { cursor: Math.max(...ids), removed }
}
