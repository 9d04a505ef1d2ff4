import { type Queries, statement } from '@berth/db'
import type { SeenBlob } from './mark-corrupt.ts'

const BATCH = 100

const ASYNC = "c AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))"

const listBlobs = statement<ListedBlob>(
  'scrub-list-blobs',
  `SELECT id, digest, storage_key, size, corrupt_at IS NOT NULL AS corrupt FROM blob
   WHERE id > $1 ORDER BY id LIMIT ${BATCH}`,
)
const lockBlobs = statement('scrub-lock-blobs', 'SELECT id FROM blob WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE')
const verifyBlobs = statement(
  'scrub-verify-blobs',
  `WITH ${ASYNC} UPDATE blob SET verified_at = now() FROM c WHERE id = ANY($1)`,
)
const listContents = statement<ListedContent>(
  'scrub-list-contents',
  `SELECT digest, octet_length(bytes) AS size, corrupt_at IS NOT NULL AS corrupt FROM manifest_content
   WHERE digest > $1 ORDER BY digest LIMIT ${BATCH}`,
)
const readContent = statement<{ bytes: Buffer }>(
  'scrub-read-content',
  'SELECT bytes FROM manifest_content WHERE digest = $1',
)
const lockContents = statement(
  'scrub-lock-contents',
  'SELECT digest FROM manifest_content WHERE digest = ANY($1) ORDER BY digest FOR NO KEY UPDATE',
)
const verifyContents = statement(
  'scrub-verify-contents',
  `WITH ${ASYNC} UPDATE manifest_content SET verified_at = now() FROM c WHERE digest = ANY($1)`,
)

export interface ListedBlob extends SeenBlob {
  corrupt: boolean
}

export interface ListedContent {
  digest: string
  size: number
  corrupt: boolean
}

export function listBlobsAfter(queries: Queries, cursor: string): Promise<ListedBlob[]> {
  return queries.run(listBlobs, [Number(cursor || 0)])
}

/** Digests and lengths only: all the bytes of a page would not fit into memory. */
export function listContentsAfter(queries: Queries, cursor: string): Promise<ListedContent[]> {
  return queries.run(listContents, [cursor])
}

/** `undefined`: gone meanwhile. */
export async function readContentOf(queries: Queries, digest: string): Promise<Buffer | undefined> {
  return (await queries.find(readContent, [digest]))?.bytes
}

/** Locked in order first, as everybody who changes several does. */
export async function noteVerifiedBlobs(tx: Queries, ids: readonly number[]): Promise<void> {
  await tx.run(lockBlobs, [ids])
  await tx.run(verifyBlobs, [ids])
}

export async function noteVerifiedContents(tx: Queries, digests: readonly string[]): Promise<void> {
  await tx.run(lockContents, [digests])
  await tx.run(verifyContents, [digests])
}
