import { type Database, type Queries, statement, tell } from '@berth/db'
import { projectOf, type Tag } from '@berth/oci'
import { tagDeleted } from '@berth/types'
import { lockManifests, refreshShown } from '../artifact/index.ts'
import { isImmutable, RULE_FACTS, type RuleFacts, TagImmutable } from '../policy/index.ts'
import { CHANGE_FACTS, type ChangeFacts } from '../project/index.ts'
import type { Deletion } from './delete-manifest.ts'

interface FoundRow extends ChangeFacts, RuleFacts {
  repository_id: number | null
  manifest_id: number | null
}

const lockProject = statement<FoundRow>(
  'delete-tag-project',
  `SELECT ${CHANGE_FACTS}, ${RULE_FACTS}, r.id AS repository_id, t.manifest_id
   FROM project p
   LEFT JOIN repository r ON r.project_id = p.id AND r.name = $2
   LEFT JOIN tag t ON t.repository_id = r.id AND t.name = $3
   WHERE p.name = $1 AND p.state <> 'deleted' FOR KEY SHARE OF p`,
)
const deleteTag = statement<{ digest: string; media_type: string; revision: number }>(
  'delete-tag',
  `WITH t AS (DELETE FROM tag WHERE repository_id = $1 AND name = $2 AND manifest_id = $3 RETURNING manifest_id)
   SELECT m.digest, m.media_type, nextval('revision') AS revision FROM t JOIN manifest m ON m.id = t.manifest_id`,
)

/** `on`: only from this manifest; a tag that has moved on is another one. */
interface TagDeletion extends Deletion {
  on?: number
}

/**
 * Deletes a tag and leaves what it named, which an index may hide from lists now; false when there is none.
 *
 * @throws {TagImmutable} a rule of the project keeps it
 */
export async function deleteTagOnly(database: Database, tag: Tag, deletion: TagDeletion): Promise<boolean> {
  for (;;) {
    const outcome = await database.transaction((tx) => deleteTagIn(tx, tag, deletion))
    if (outcome !== 'moved') return outcome === 'deleted'
  }
}

/** `moved`: what it names is to be locked first, and by then it named something else. */
async function deleteTagIn(
  tx: Queries,
  tag: Tag,
  { name, actor, admit, on }: TagDeletion,
): Promise<'deleted' | 'unknown' | 'moved'> {
  const row = admit(await tx.find(lockProject, [projectOf(name), name, tag]))
  const { project_id: projectId, repository_id: repositoryId, manifest_id: manifestId } = row
  if (repositoryId === null || manifestId === null || manifestId !== (on ?? manifestId)) return 'unknown'
  if (isImmutable(row, name, tag)) throw TagImmutable.deleted(tag)
  const held = await lockManifests(tx, [manifestId])
  const deleted = await tx.find(deleteTag, [repositoryId, tag, manifestId])
  if (deleted === undefined) return 'moved'
  await refreshShown(tx, held)
  await tell(tx, tagDeleted, {
    revision: deleted.revision,
    actor,
    data: { projectId, repository: name, digest: deleted.digest, mediaType: deleted.media_type, tag },
  })
  return 'deleted'
}
