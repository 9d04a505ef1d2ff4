import { type Queries, statement } from '@berth/db'
import { PreconditionFailed } from '@berth/errors'
import { ManifestReferenced } from './manifest-errors.ts'

/** So many accessories may be deleted with what they belong to; with more it is refused. */
const MAX_ACCESSORIES = 20_000

interface Member {
  id: number
  digest: string
  accessory_of: string | null
}

const listClosure = statement<Member>(
  'delete-list-closure',
  `WITH RECURSIVE closure AS (
     SELECT id, digest, accessory_of FROM manifest WHERE repository_id = $1 AND digest = $2
     UNION
     SELECT m.id, m.digest, m.accessory_of FROM closure c
     JOIN manifest m ON m.repository_id = $1 AND m.accessory_of = c.digest
   )
   SELECT id, digest, accessory_of FROM closure LIMIT $3`,
)
const listNamed = statement<{ child_id: number }>(
  'delete-list-named',
  'SELECT DISTINCT child_id FROM manifest_child WHERE child_id = ANY($1) AND parent_id <> ALL($2)',
)

/**
 * An artifact and everything that is to go with it, its accessories and theirs, the furthest away first and itself
 * last. What another index names stays, and what belongs to that; empty when there is no such artifact.
 *
 * @throws {ManifestReferenced} an index names the artifact itself
 * @throws {PreconditionFailed} more accessories than are deleted at once
 */
export async function closureOf(tx: Queries, repositoryId: number, digest: string): Promise<number[]> {
  const members = await tx.run(listClosure, [repositoryId, digest, MAX_ACCESSORIES + 2])
  if (members.length > MAX_ACCESSORIES + 1) {
    throw new PreconditionFailed(`the artifact has more than ${MAX_ACCESSORIES} accessories: delete them first`)
  }
  const ids = members.map(({ id }) => id)
  const named = await namedByOthers(tx, ids, ids)
  const root = members.find((member) => member.digest === digest)
  if (root === undefined) return []
  if (named.has(root.id)) throw new ManifestReferenced(digest)
  const byDigest = new Map(members.map((member) => [member.digest, member]))
  const depths = new Map([[digest, 0]])
  for (const member of members) measure(member, byDigest, named, depths)
  return members
    .filter((member) => (depths.get(member.digest) ?? -1) >= 0)
    .toSorted((a, b) => (depths.get(b.digest) ?? 0) - (depths.get(a.digest) ?? 0))
    .map(({ id }) => id)
}

/** Those of the manifests that an index names which is not one of `goingToo`. */
export async function namedByOthers(
  tx: Queries,
  manifestIds: readonly number[],
  goingToo: readonly number[],
): Promise<ReadonlySet<number>> {
  if (manifestIds.length === 0) return new Set()
  return new Set((await tx.run(listNamed, [manifestIds, goingToo])).map(({ child_id }) => child_id))
}

/** Steps from the artifact, or -1 for what stays; of the whole way there at once, each seen a single time. */
function measure(
  member: Member,
  byDigest: ReadonlyMap<string, Member>,
  named: ReadonlySet<number>,
  depths: Map<string, number>,
): void {
  const way: Member[] = []
  let at: Member | undefined = member
  while (at !== undefined && !depths.has(at.digest)) {
    way.push(at)
    depths.set(at.digest, -1)
    at = byDigest.get(at.accessory_of ?? '')
  }
  let depth = depths.get(at?.digest ?? '') ?? -1
  for (const step of way.toReversed()) {
    depth = depth < 0 || named.has(step.id) ? -1 : depth + 1
    depths.set(step.digest, depth)
  }
}
