import { type Queries, statement } from '@berth/db'
import type { Tag } from '@berth/oci'

/** A tag that is there, locked, and what it names. */
export interface HeldTag {
  id: number
  name: string
  manifest_id: number
}

const insertTag = statement<{ id: number }>(
  'put-insert-tag',
  `INSERT INTO tag (repository_id, name, manifest_id, revision) VALUES ($1, $2, $3, 0)
   ON CONFLICT DO NOTHING RETURNING id`,
)
const lockTag = statement<HeldTag>(
  'put-lock-tag',
  'SELECT id, name, manifest_id FROM tag WHERE repository_id = $1 AND name = $2 FOR NO KEY UPDATE',
)
// An insert waits for a delete of the same tag, so the number is taken once it has been done.
const restampTag = statement<{ revision: number }>(
  'put-restamp-tag',
  `UPDATE tag SET revision = nextval('revision') WHERE id = $1 RETURNING revision`,
)
const moveTag = statement<{ revision: number; left_child: boolean }>(
  'put-move-tag',
  `WITH mark AS (INSERT INTO manifest_recheck (manifest_id) SELECT $3::bigint WHERE $3::bigint <> $2::bigint)
   UPDATE tag SET manifest_id = $2, revision = nextval('revision'), pushed_at = now() WHERE id = $1
   RETURNING revision, $3::bigint <> $2::bigint AND EXISTS (SELECT 1 FROM manifest_child WHERE child_id = $3) AS left_child`,
)
const nextRevision = statement<{ revision: number }>('put-next-revision', `SELECT nextval('revision') AS revision`)

export interface Stamped {
  /** Taken while the tags, or without tags the manifest, are locked. */
  revision: number
  /** A tag was taken from the child of an index, which lists may have to hide now. */
  leftChild: boolean
}

interface Target {
  repositoryId: number
  manifestId: number
  /** Judges a tag that is there already, before it is set again. */
  refuseMove: (tag: HeldTag) => void
}

/** Sets tags, in order, on a locked manifest. `held` are those that were there when it was locked. */
export async function stampTags(
  tx: Queries,
  target: Target,
  tags: readonly Tag[],
  held: readonly HeldTag[],
): Promise<Stamped> {
  const byName = new Map(held.map((tag) => [tag.name, tag]))
  let revision: number | undefined
  let leftChild = false
  for (const tag of [...tags].sort()) {
    const stamped = await stampTag(tx, target, tag, byName.get(tag))
    revision = stamped.revision
    leftChild ||= stamped.leftChild
  }
  return { revision: revision ?? (await tx.find(nextRevision))?.revision ?? 0, leftChild }
}

async function stampTag(tx: Queries, target: Target, tag: Tag, held: HeldTag | undefined): Promise<Stamped> {
  const { repositoryId, manifestId, refuseMove } = target
  for (let there = held; ; ) {
    if (there !== undefined) {
      refuseMove(there)
      const moved = await tx.find(moveTag, [there.id, manifestId, there.manifest_id])
      return { revision: moved?.revision ?? 0, leftChild: moved?.left_child === true }
    }
    const made = await tx.find(insertTag, [repositoryId, tag, manifestId])
    if (made !== undefined) {
      return { revision: (await tx.find(restampTag, [made.id]))?.revision ?? 0, leftChild: false }
    }
    there = await tx.find(lockTag, [repositoryId, tag])
  }
}
