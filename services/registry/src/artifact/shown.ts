import { type Database, type Queries, statement } from '@berth/db'

const BATCH = 200

const lock = statement<{ id: number }>(
  'shown-lock',
  'SELECT id FROM manifest WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE',
)
const refresh = statement(
  'shown-refresh',
  `UPDATE manifest m SET shown = NOT m.shown
   WHERE m.id = ANY($1) AND m.shown <> (
     m.accessory_type IS NULL AND (
       EXISTS (SELECT 1 FROM tag t WHERE t.manifest_id = m.id)
       OR NOT EXISTS (SELECT 1 FROM manifest_child c WHERE c.child_id = m.id)
     )
   )`,
)
const takeMarks = statement<{ id: number; manifest_id: number }>(
  'shown-take-marks',
  'SELECT id, manifest_id FROM manifest_recheck ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED',
)
const dropMarks = statement('shown-drop-marks', 'DELETE FROM manifest_recheck WHERE id = ANY($1)')

/**
 * Holds manifests before what decides whether they are shown is changed: being tagged, an index's child, an accessory.
 * Stands before tags in the order of locks. Answers those that are there.
 */
export async function lockManifests(tx: Queries, manifestIds: readonly number[]): Promise<number[]> {
  if (manifestIds.length === 0) return []
  return (await tx.run(lock, [manifestIds])).map(({ id }) => id)
}

/**
 * Says anew of locked manifests whether lists show them: no accessory, and tagged or no index's child. To be called
 * after the change, in the transaction of {@link lockManifests}: a statement of its own sees what others have done
 * until they let go.
 */
export async function refreshShown(tx: Queries, manifestIds: readonly number[]): Promise<void> {
  if (manifestIds.length > 0) await tx.run(refresh, [manifestIds])
}

/**
 * Says anew whether lists show what a push has taken a tag from. A push that holds the tag cannot wait for the lock of
 * the manifest, which may be held by one that waits for the tag; so it leaves a mark, and this comes after it.
 */
export async function settleShown(database: Database): Promise<void> {
  for (;;) {
    const taken = await database.transaction(async (tx) => {
      const marks = await tx.run(takeMarks, [BATCH])
      if (marks.length === 0) return 0
      await refreshShown(tx, await lockManifests(tx, [...new Set(marks.map((mark) => mark.manifest_id))]))
      await tx.run(dropMarks, [marks.map(({ id }) => id)])
      return marks.length
    })
    if (taken < BATCH) return
  }
}
