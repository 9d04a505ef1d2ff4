import { type Database, type Queries, statement, tell, tellMany } from '@berth/db'
import { type Digest, projectOf, type RepositoryName } from '@berth/oci'
import { artifactDeleted, tagDeleted } from '@berth/types'
import { refreshShown } from '../artifact/index.ts'
import { holdBlobs, touchBlobs } from '../blob/index.ts'
import { isImmutable, RULE_FACTS, type RuleFacts, TagImmutable } from '../policy/index.ts'
import { CHANGE_FACTS, type ChangeFacts } from '../project/index.ts'
import { closureOf, namedByOthers } from './closure.ts'
import { lockLinksOf, type SizedBlob, subtractUsage, unlinkFromProject } from './usage.ts'

/** So many manifests go in one transaction; an artifact with more accessories loses the furthest ones before. */
const BATCH = 500
/** So many tags stand in the event of a deletion. */
const TOLD_TAGS = 1_000

interface FoundRow extends ChangeFacts, RuleFacts {
  repository_id: number | null
}

interface TakenTag {
  manifest_id: number
  name: string
  revision: number
}

interface LockedManifest {
  id: number
  digest: string
  media_type: string
}

const lockProject = statement<FoundRow>(
  'delete-lock-project',
  `SELECT ${CHANGE_FACTS}, ${RULE_FACTS}, r.id AS repository_id
   FROM project p LEFT JOIN repository r ON r.project_id = p.id AND r.name = $2
   WHERE p.name = $1 AND p.state <> 'deleted' FOR KEY SHARE OF p`,
)
const listChildren = statement<{ child_id: number }>(
  'delete-list-children',
  'SELECT DISTINCT child_id FROM manifest_child WHERE parent_id = ANY($1)',
)
const listBlobs = statement<SizedBlob>(
  'delete-list-blobs',
  'SELECT id, size FROM blob WHERE id IN (SELECT blob_id FROM manifest_blob WHERE manifest_id = ANY($1)) ORDER BY id',
)
const lockManifests = statement<LockedManifest>(
  'delete-lock-manifests',
  'SELECT id, digest, media_type FROM manifest WHERE id = ANY($1) ORDER BY id FOR UPDATE',
)
const lockTags = statement<{ name: string }>(
  'delete-lock-tags',
  'SELECT name FROM tag WHERE manifest_id = ANY($1) ORDER BY name FOR UPDATE',
)
const listTags = statement<{ name: string }>('delete-list-tags', 'SELECT name FROM tag WHERE manifest_id = ANY($1)')
const deleteTags = statement<TakenTag>(
  'delete-tags-of',
  `DELETE FROM tag WHERE manifest_id = ANY($1) RETURNING manifest_id, name, nextval('revision') AS revision`,
)
const deleteLinks = statement(
  'delete-links',
  'DELETE FROM manifest_child WHERE parent_id = ANY($1) OR child_id = ANY($1)',
)
const lockContents = statement(
  'delete-lock-contents',
  'SELECT digest FROM manifest_content WHERE digest = ANY($1) ORDER BY digest FOR NO KEY UPDATE',
)
const dropContents = statement(
  'delete-drop-contents',
  'UPDATE manifest_content SET dropped_at = now() WHERE digest = ANY($1)',
)
const deleteRows = statement<{ id: number; revision: number }>(
  'delete-manifests',
  `WITH m AS (DELETE FROM manifest WHERE id = ANY($1) RETURNING id) SELECT id, nextval('revision') AS revision FROM m`,
)

export interface Deletion {
  name: RepositoryName
  actor?: string
  /** Judges the project before anything is done. */
  admit: <F extends ChangeFacts>(facts: F | undefined) => F
  /**
   * For garbage collection: looks at the locked manifest once more, and false leaves everything as it is. Such a
   * deletion is no touch of the blobs.
   */
  collects?: (tx: Queries, manifestId: number) => Promise<boolean>
}

/**
 * Deletes a manifest, its tags, and its accessories with theirs; false when there is none. One transaction, unless
 * there are more accessories than that may take. Locks in the order of `putManifest`. What an index named is shown by
 * lists again unless another one names it.
 *
 * @throws {ManifestReferenced} an index names it
 * @throws {TagImmutable} a rule of the project keeps one of the tags
 * @throws {PreconditionFailed} it has more accessories than are deleted at once
 */
export async function deleteManifest(database: Database, digest: Digest, deletion: Deletion): Promise<boolean> {
  for (;;) {
    const outcome = await database.transaction((tx) => deleteSome(tx, digest, deletion))
    if (outcome !== 'more') return outcome === 'deleted'
  }
}

async function deleteSome(tx: Queries, digest: Digest, deletion: Deletion): Promise<'deleted' | 'unknown' | 'more'> {
  const { name, admit } = deletion
  const row = admit(await tx.find(lockProject, [projectOf(name), name]))
  if (row.repository_id === null) return 'unknown'
  const closure = await closureOf(tx, row.repository_id, digest)
  if (closure.length === 0) return 'unknown'
  const ids = closure.slice(0, BATCH)
  if (ids.length < closure.length) refuseImmutable(row, name, await tx.run(listTags, [closure]))

  const outcome = await deleteThese(tx, row, { ids, goingToo: closure, deletion })
  if (outcome === 'kept') return 'unknown'
  return outcome === 'changed' || ids.length < closure.length ? 'more' : 'deleted'
}

/**
 * Deletes manifests that no index names, with their tags, in one transaction; answers how many: none when somebody has
 * changed one of them meanwhile.
 *
 * @throws {TagImmutable} a rule of the project keeps one of the tags
 */
export async function deleteTogether(database: Database, ids: readonly number[], deletion: Deletion): Promise<number> {
  return database.transaction(async (tx) => {
    const row = deletion.admit(await tx.find(lockProject, [projectOf(deletion.name), deletion.name]))
    const outcome = await deleteThese(tx, row, { ids, goingToo: ids, deletion })
    return outcome === 'deleted' ? ids.length : 0
  })
}

async function deleteThese(
  tx: Queries,
  row: FoundRow,
  { ids, goingToo, deletion }: { ids: readonly number[]; goingToo: readonly number[]; deletion: Deletion },
): Promise<'deleted' | 'changed' | 'kept'> {
  const { name } = deletion
  const blobs = await tx.run(listBlobs, [ids])
  const blobIds = blobs.map(({ id }) => id)
  await (deletion.collects ? holdBlobs : touchBlobs)(tx, blobIds)
  const childIds = (await tx.run(listChildren, [ids])).map(({ child_id }) => child_id)
  const locked = await tx.run(lockManifests, [[...new Set([...ids, ...childIds])]])
  const isGoing = new Set(ids)
  const going = locked.filter(({ id }) => isGoing.has(id))
  // Somebody was faster: look again.
  if (going.length < ids.length || (await namedByOthers(tx, ids, goingToo)).size > 0) return 'changed'
  if (deletion.collects && !(await deletion.collects(tx, goingToo.at(-1) ?? 0))) return 'kept'
  const tags = await takeTags(tx, row, name, ids)
  await lockLinksOf(tx, row.project_id, blobIds)
  const revisions = await deleteLocked(tx, going)
  const unused = await unlinkFromProject(tx, row.project_id, blobIds)
  await refreshShown(
    tx,
    childIds.filter((id) => !isGoing.has(id)),
  )
  await tellAll(tx, row.project_id, deletion, { going, tags, revisions })
  await subtractUsage(tx, row.project_id, freedBytes(blobs, unused))
  return 'deleted'
}

/** @throws {TagImmutable} */
function refuseImmutable(row: FoundRow, name: RepositoryName, tags: readonly { name: string }[]): void {
  const kept = tags.find((tag) => isImmutable(row, name, tag.name))
  if (kept !== undefined) throw TagImmutable.deleted(kept.name)
}

/** Deletes the tags of locked manifests; answers them by manifest. */
async function takeTags(
  tx: Queries,
  row: FoundRow,
  name: RepositoryName,
  ids: readonly number[],
): Promise<Map<number, TakenTag[]>> {
  refuseImmutable(row, name, await tx.run(lockTags, [ids]))
  return Map.groupBy(await tx.run(deleteTags, [ids]), (tag) => tag.manifest_id)
}

/** Answers the revision of each. */
async function deleteLocked(tx: Queries, going: readonly LockedManifest[]): Promise<Map<number, number>> {
  const ids = going.map(({ id }) => id)
  const digests = going.map(({ digest }) => digest)
  await tx.run(deleteLinks, [ids])
  await tx.run(lockContents, [digests])
  await tx.run(dropContents, [digests])
  return new Map((await tx.run(deleteRows, [ids])).map(({ id, revision }) => [id, revision]))
}

/** An event must fit into a message: of very many tags all but the first are told one by one before. */
async function tellAll(
  tx: Queries,
  projectId: number,
  { name, actor }: Deletion,
  deleted: { going: readonly LockedManifest[]; tags: Map<number, TakenTag[]>; revisions: Map<number, number> },
): Promise<void> {
  for (const { id, digest, media_type: mediaType } of deleted.going) {
    const artifact = { projectId, repository: name, digest, mediaType }
    const tags = deleted.tags.get(id) ?? []
    for (let from = TOLD_TAGS; from < tags.length; from += TOLD_TAGS) {
      const some = tags.slice(from, from + TOLD_TAGS)
      const events = some.map((tag) => ({ revision: tag.revision, actor, data: { ...artifact, tag: tag.name } }))
      await tellMany(tx, tagDeleted, events)
    }
    const told = tags.slice(0, TOLD_TAGS).map((tag) => tag.name)
    const revision = deleted.revisions.get(id) ?? 0
    await tell(tx, artifactDeleted, { revision, actor, data: { ...artifact, tags: told } })
  }
}

function freedBytes(blobs: readonly SizedBlob[], unused: ReadonlySet<number>): number {
  return blobs.filter(({ id }) => unused.has(id)).reduce((sum, { size }) => sum + size, 0)
}
