import { type Queries, statement } from '@berth/db'
import { Denied, PreconditionFailed } from '@berth/errors'
import { namesSubject } from '../artifact/index.ts'

/** So many manifests one copy may take; with more it is refused. */
const MAX_MANIFESTS = 20_000

interface Member {
  id: number
  digest: string
  media_type: string
  accessory_type: string | null
  /** By those it is copied for: its parents, and its subject. */
  wanted_by: number | null
  tags: string[]
}

/** One manifest to be put into the target, after everything before it. */
export interface Step {
  id: number
  digest: string
  mediaType: string
  /** To be set in the target. */
  tags: readonly string[]
}

const listMembers = statement<Member>(
  'copy-members',
  `WITH RECURSIVE member AS (
     SELECT m.id, m.digest, NULL::bigint AS wanted_by FROM manifest m WHERE m.id = $1
     UNION
     SELECT found.id, found.digest, w.id FROM member w CROSS JOIN LATERAL (
       SELECT k.id, k.digest FROM manifest_child c JOIN manifest k ON k.id = c.child_id WHERE c.parent_id = w.id
       UNION ALL
       SELECT a.id, a.digest FROM manifest a WHERE a.repository_id = $2 AND a.accessory_of = w.digest
     ) found
   )
   SELECT e.id, e.digest, e.wanted_by, m.media_type, m.accessory_type,
     ARRAY(SELECT t.name::text FROM tag t WHERE t.manifest_id = m.id ORDER BY t.name) AS tags
   FROM (SELECT * FROM member LIMIT $3) e JOIN manifest m ON m.id = e.id`,
)
const listPresent = statement<{ digest: string; tags: string[] }>(
  'copy-present',
  `SELECT m.digest, ARRAY(SELECT t.name::text FROM tag t WHERE t.manifest_id = m.id) AS tags
   FROM manifest m WHERE m.repository_id = $1 AND m.digest = ANY($2)`,
)

/**
 * What is to be put into the target and in which order: what a manifest names before it, and what belongs to it as
 * well, so that whoever sees the artifact sees its signatures. All tags of the artifact itself are copied; of the
 * others only those by which cosign finds what it signed. What the target has already is left out.
 *
 * @throws {Denied} it is an accessory, which goes with its subject
 * @throws {PreconditionFailed} more than can be copied at once
 */
export async function planCopy(
  db: Queries,
  source: { repositoryId: number; manifestId: number },
  targetRepositoryId: number | null,
): Promise<Step[]> {
  const members = await db.run(listMembers, [source.manifestId, source.repositoryId, MAX_MANIFESTS + 1])
  if (members.length > MAX_MANIFESTS) {
    throw new PreconditionFailed(`the artifact has more than ${MAX_MANIFESTS} children and accessories`)
  }
  const root = members.find(({ id }) => id === source.manifestId)
  if (root === undefined) return []
  if (root.accessory_type !== null) throw new Denied("the operation isn't supported for an artifact accessory")
  const steps = inOrder(members, root)
  if (targetRepositoryId === null) return steps
  const present = await db.run(listPresent, [targetRepositoryId, steps.map(({ digest }) => digest)])
  const tagsOf = new Map(present.map(({ digest, tags }) => [digest, new Set(tags)]))
  return steps.filter(({ digest, tags }) => !tags.every((tag) => tagsOf.get(digest)?.has(tag)) || !tagsOf.has(digest))
}

/** From the furthest to the artifact itself. Without recursion: signatures of signatures go as deep as one likes. */
function inOrder(members: readonly Member[], root: Member): Step[] {
  const wanted = Map.groupBy(members, (member) => member.wanted_by)
  const seen = new Set<number>()
  const steps: Step[] = []
  const open: { member: Member; isReady: boolean }[] = [{ member: root, isReady: false }]
  for (let top = open.pop(); top !== undefined; top = open.pop()) {
    const { member, isReady } = top
    if (isReady) steps.push(toStep(member, root))
    // Tags can make two artifacts accessories of each other.
    if (seen.has(member.id)) continue
    seen.add(member.id)
    open.push({ member, isReady: true })
    for (const next of wanted.get(member.id) ?? []) open.push({ member: next, isReady: false })
  }
  return steps
}

function toStep({ id, digest, media_type, tags }: Member, root: Member): Step {
  return { id, digest, mediaType: media_type, tags: id === root.id ? tags : tags.filter(namesSubject) }
}
