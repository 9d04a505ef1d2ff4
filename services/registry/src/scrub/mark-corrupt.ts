import { type Database, type Queries, type Statement, statement, tell } from '@berth/db'
import { algorithmOf, type Digest, digestOf, type SupportedAlgorithm } from '@berth/oci'
import { blobCorrupted, type DataOf } from '@berth/types'
import type { StorageKey } from '../storage/index.ts'

const markBlob = statement<{ id: number }>(
  'scrub-mark-blob',
  `UPDATE blob SET corrupt_at = now() WHERE id = $1 AND storage_key = $2 AND corrupt_at IS NULL RETURNING id`,
)
const clearBlob = statement<{ id: number }>(
  'scrub-clear-blob',
  `UPDATE blob SET corrupt_at = NULL, verified_at = now()
   WHERE id = $1 AND storage_key = $2 AND corrupt_at IS NOT NULL RETURNING id`,
)
const lockContent = statement<{ bytes: Buffer }>(
  'scrub-lock-content',
  'SELECT bytes FROM manifest_content WHERE digest = $1 AND corrupt_at IS NULL FOR NO KEY UPDATE',
)
const markContent = statement<{ digest: string }>(
  'scrub-mark-content',
  'UPDATE manifest_content SET corrupt_at = now() WHERE digest = $1 AND corrupt_at IS NULL RETURNING digest',
)
const clearContent = statement<{ digest: string }>(
  'scrub-clear-content',
  `UPDATE manifest_content SET corrupt_at = NULL, verified_at = now()
   WHERE digest = $1 AND corrupt_at IS NOT NULL RETURNING digest`,
)

type Corrupted = DataOf<typeof blobCorrupted>

const artifactsOfBlob = statement<ArtifactRow>(
  'scrub-artifacts-of-blob',
  `SELECT r.project_id, r.name, m.digest FROM manifest_blob mb
   JOIN manifest m ON m.id = mb.manifest_id JOIN repository r ON r.id = m.repository_id
   WHERE mb.blob_id = $1 ORDER BY m.id LIMIT 100`,
)
const artifactsOfContent = statement<ArtifactRow>(
  'scrub-artifacts-of-content',
  `SELECT r.project_id, r.name, m.digest FROM manifest m JOIN repository r ON r.id = m.repository_id
   WHERE m.digest = $1 ORDER BY m.id LIMIT 100`,
)
const nextRevision = statement<{ revision: number }>('scrub-revision', `SELECT nextval('revision') AS revision`)

interface ArtifactRow {
  project_id: number
  name: string
  digest: string
}

/** A blob as it was read: it counts only while it still has this key. */
export interface SeenBlob {
  id: number
  digest: string
  storage_key: StorageKey
  size: number
}

/**
 * Marks a blob whose bytes are not its own, and tells it in the same transaction; false when it has been marked already,
 * has new bytes or is gone.
 */
export function markCorrupt(database: Database, blob: SeenBlob, reason: Corrupted['reason']): Promise<boolean> {
  return database.transaction(async (tx) => {
    if ((await tx.find(markBlob, [blob.id, blob.storage_key])) === undefined) return false
    const what = { digest: blob.digest, kind: 'blob' as const, sizeBytes: blob.size, reason }
    await tellCorrupted(tx, what, artifactsOfBlob, blob.id)
    return true
  })
}

/** The same for the bytes of a manifest, which are looked at once more while nobody can change them. */
export function markContentCorrupt(database: Database, digest: string, sizeBytes: number): Promise<boolean> {
  return database.transaction(async (tx) => {
    const row = await tx.find(lockContent, [digest])
    if (row === undefined || isContentOf(row.bytes, digest)) return false
    if ((await tx.find(markContent, [digest])) === undefined) return false
    const what = { digest, kind: 'manifest' as const, sizeBytes, reason: 'changed' as const }
    await tellCorrupted(tx, what, artifactsOfContent, digest)
    return true
  })
}

/** Whether the bytes of a manifest are what their digest says. */
export function isContentOf(bytes: Uint8Array, digest: string): boolean {
  return digestOf(bytes, algorithmOf(digest as Digest) as SupportedAlgorithm) === digest
}

/** Takes the mark from a blob whose bytes are right again, say because a disk came back; false when it had none. */
export async function clearCorrupt(database: Database, blob: SeenBlob): Promise<boolean> {
  return (await database.find(clearBlob, [blob.id, blob.storage_key])) !== undefined
}

export async function clearContentCorrupt(database: Database, digest: string): Promise<boolean> {
  return (await database.find(clearContent, [digest])) !== undefined
}

async function tellCorrupted(
  tx: Queries,
  what: Omit<Corrupted, 'artifacts'>,
  affected: Statement<ArtifactRow>,
  by: number | string,
): Promise<void> {
  const rows = await tx.run(affected, [by])
  const artifacts = rows.map(({ project_id: projectId, name: repository, digest }) => ({
    projectId,
    repository,
    digest,
  }))
  const revision = (await tx.find(nextRevision))?.revision ?? 0
  await tell(tx, blobCorrupted, { revision, data: { ...what, artifacts } })
}
