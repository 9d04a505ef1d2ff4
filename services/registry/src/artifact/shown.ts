import { type Queries, statement } from '@berth/db'

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
