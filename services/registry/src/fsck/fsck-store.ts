import { type Queries, statement } from '@berth/db'
import type { SeenBlob } from '../scrub/index.ts'
import type { StorageKey } from '../storage/index.ts'

const PAGE = 1_000

const listRows = statement<BlobRow>(
  'fsck-list-rows',
  `SELECT id, digest, storage_key, size, corrupt_at IS NOT NULL AS corrupt FROM blob WHERE storage_key > $1 AND storage_key < $2
   ORDER BY storage_key LIMIT ${PAGE}`,
)
const isStill = statement<{ id: number }>('fsck-is-still', 'SELECT id FROM blob WHERE id = $1 AND storage_key = $2')
/** A session may have put something under other names than its row says: all of them hold its id. */
const UNKNOWN = `NOT EXISTS (SELECT 1 FROM blob b WHERE b.storage_key = n.name)
     AND NOT EXISTS (SELECT 1 FROM trash t WHERE t.storage_key = n.name)
     AND NOT EXISTS (SELECT 1 FROM upload u WHERE u.id = n.session OR u.path = n.name OR u.sealed_key = n.name)`
const listUnknown = statement<{ name: string }>(
  'fsck-list-unknown',
  `SELECT n.name FROM unnest($1::text[], $2::text[]) AS n(name, session) WHERE ${UNKNOWN}`,
)
const throwAway = statement<{ storage_key: StorageKey }>(
  'fsck-throw-away',
  `INSERT INTO trash (storage_key, size)
   SELECT n.name, n.size FROM unnest($1::text[], $2::text[], $3::bigint[]) AS n(name, session, size) WHERE ${UNKNOWN}
   ON CONFLICT DO NOTHING RETURNING storage_key`,
)

const SESSION = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/

export interface BlobRow extends SeenBlob {
  corrupt: boolean
}

/** Blobs by storage key, after `after` and below `end`. */
export function listBlobRows(queries: Queries, after: string, end: string): Promise<BlobRow[]> {
  return queries.run(listRows, [after, end])
}

/** Whether a blob is there and still has the key it was seen with. */
export async function isStillThere(queries: Queries, blob: SeenBlob): Promise<boolean> {
  return (await queries.find(isStill, [blob.id, blob.storage_key])) !== undefined
}

/** Those of the names no blob, upload or trash knows. */
export async function unknownOf(queries: Queries, names: readonly string[]): Promise<Set<string>> {
  return new Set((await queries.run(listUnknown, [names, names.map(sessionOf)])).map(({ name }) => name))
}

/** Puts what is still unknown into the trash; answers what was put there. */
export async function throwAwayUnknown(
  queries: Queries,
  entries: readonly { name: string; size: number }[],
): Promise<StorageKey[]> {
  const names = entries.map(({ name }) => name)
  const rows = await queries.run(throwAway, [names, names.map(sessionOf), entries.map(({ size }) => size)])
  return rows.map((row) => row.storage_key)
}

function sessionOf(name: string): string | null {
  return SESSION.exec(name)?.[0] ?? null
}
