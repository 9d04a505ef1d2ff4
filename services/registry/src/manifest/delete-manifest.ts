import { type Database, type Queries, statement, tell } from '@berth/db'
import { type Digest, projectOf, type RepositoryName, type Tag } from '@berth/oci'
import { artifactDeleted, tagDeleted } from '@berth/types'
import { touchBlobs } from '../blob/index.ts'
import { PROJECT_FACTS, type ProjectFacts } from '../project/index.ts'
import { ManifestReferenced } from './manifest-errors.ts'
import { lockLinksOf, subtractUsage, unlinkFromProject } from './usage.ts'

interface FoundRow extends ProjectFacts {
  repository_id: number | null
}

const lockProject = statement<FoundRow>(
  'delete-lock-project',
  `SELECT ${PROJECT_FACTS}, r.id AS repository_id
   FROM project p LEFT JOIN repository r ON r.project_id = p.id AND r.name = $2
   WHERE p.name = $1 AND p.state <> 'deleted' FOR KEY SHARE OF p`,
)
const listBlobs = statement<{ id: number; size: number }>(
  'delete-list-blobs',
  `SELECT b.id, b.size FROM manifest m JOIN manifest_blob mb ON mb.manifest_id = m.id JOIN blob b ON b.id = mb.blob_id
   WHERE m.repository_id = $1 AND m.digest = $2 ORDER BY b.id`,
)
const lockManifest = statement<{ id: number; media_type: string }>(
  'delete-lock-manifest',
  'SELECT id, media_type FROM manifest WHERE repository_id = $1 AND digest = $2 FOR UPDATE',
)
const hasParent = statement<{ found: boolean }>(
  'delete-has-parent',
  'SELECT EXISTS (SELECT 1 FROM manifest_child WHERE child_id = $1) AS found',
)
const lockTags = statement<{ name: string }>(
  'delete-lock-tags',
  'SELECT name FROM tag WHERE manifest_id = $1 ORDER BY name FOR UPDATE',
)
const deleteTags = statement<{ name: string }>(
  'delete-tags-of',
  'DELETE FROM tag WHERE manifest_id = $1 RETURNING name',
)
const deleteRow = statement<{ revision: number }>(
  'delete-manifest',
  `WITH content AS (UPDATE manifest_content SET dropped_at = now() WHERE digest = $2),
   m AS (DELETE FROM manifest WHERE id = $1 RETURNING id)
   SELECT nextval('revision') AS revision FROM m`,
)
const deleteTag = statement<{ digest: string; media_type: string; revision: number }>(
  'delete-tag',
  `WITH t AS (DELETE FROM tag WHERE repository_id = $1 AND name = $2 RETURNING manifest_id)
   SELECT m.digest, m.media_type, nextval('revision') AS revision FROM t JOIN manifest m ON m.id = t.manifest_id`,
)

export interface Deletion {
  name: RepositoryName
  actor?: string
  /** Judges the project before anything is done. */
  admit: (facts: ProjectFacts | undefined) => ProjectFacts
}

/**
 * Deletes a manifest and its tags in one transaction; false when there is none. Locks in the order of `putManifest`.
 *
 * @throws {ManifestReferenced} an index names it
 */
export async function deleteManifest(database: Database, digest: Digest, deletion: Deletion): Promise<boolean> {
  return database.transaction(async (tx) => {
    const { name, actor, admit } = deletion
    const row = await tx.find(lockProject, [projectOf(name), name])
    const { project_id: projectId } = admit(row)
    if (row?.repository_id == null) return false

    const blobs = await tx.run(listBlobs, [row.repository_id, digest])
    const blobIds = blobs.map(({ id }) => id)
    await touchBlobs(tx, blobIds)
    const manifest = await tx.find(lockManifest, [row.repository_id, digest])
    if (manifest === undefined) return false
    if ((await tx.find(hasParent, [manifest.id]))?.found) throw new ManifestReferenced(digest)
    await tx.run(lockTags, [manifest.id])
    const tags = (await tx.run(deleteTags, [manifest.id])).map((tag) => tag.name)
    await lockLinksOf(tx, projectId, blobIds)
    const deleted = await tx.find(deleteRow, [manifest.id, digest])
    const unused = await unlinkFromProject(tx, projectId, blobIds)
    await tell(tx, artifactDeleted, {
      revision: deleted?.revision ?? 0,
      actor,
      data: { projectId, repository: name, digest, mediaType: manifest.media_type, tags },
    })
    await subtractUsage(tx, projectId, freedBytes(blobs, unused))
    return true
  })
}

/** Deletes a tag and leaves what it named; false when there is none. */
export async function deleteTagOnly(database: Database, tag: Tag, deletion: Deletion): Promise<boolean> {
  return database.transaction((tx) => deleteTagIn(tx, tag, deletion))
}

async function deleteTagIn(tx: Queries, tag: Tag, { name, actor, admit }: Deletion): Promise<boolean> {
  const row = await tx.find(lockProject, [projectOf(name), name])
  const { project_id: projectId } = admit(row)
  if (row?.repository_id == null) return false
  const deleted = await tx.find(deleteTag, [row.repository_id, tag])
  if (deleted === undefined) return false
  await tell(tx, tagDeleted, {
    revision: deleted.revision,
    actor,
    data: { projectId, repository: name, digest: deleted.digest, mediaType: deleted.media_type, tag },
  })
  return true
}

function freedBytes(blobs: readonly { id: number; size: number }[], unused: ReadonlySet<number>): number {
  return blobs.filter(({ id }) => unused.has(id)).reduce((sum, { size }) => sum + size, 0)
}
