import { type Queries, statement } from '@berth/db'

const lock = statement<{ id: number }>(
  'blob-lock-sorted',
  'SELECT id FROM blob WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE',
)
const touch = statement(
  'blob-touch-locked',
  'UPDATE blob SET touched_at = now(), condemned_at = NULL WHERE id = ANY($1)',
)

/** Holds blobs in the order of locks. */
export async function holdBlobs(tx: Queries, blobIds: readonly number[]): Promise<void> {
  if (blobIds.length > 0) await tx.run(lock, [blobIds])
}

/**
 * Keeps these blobs from being collected for a while. Locked in order first and changed by a statement of its own: one
 * statement that does both meets old versions of the rows twice, and two of them deadlock.
 */
export async function touchBlobs(tx: Queries, blobIds: readonly number[]): Promise<void> {
  if (blobIds.length === 0) return
  await holdBlobs(tx, blobIds)
  await tx.run(touch, [blobIds])
}
