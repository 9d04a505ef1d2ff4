import { type Database, type Queries, statement } from '@berth/db'
import { deleteTogether } from '../manifest/index.ts'
import { isImmutable, TagImmutable } from '../policy/index.ts'
import {
  admitJudged,
  type FoundRepository,
  findJudged,
  holdJudged,
  type JudgedRepository,
  nameOf,
  requireOpen,
} from '../search/index.ts'

/** So many artifacts go in one transaction. */
const BATCH = 200
/** So many are held against the rules before others have a turn. */
const TAGS = 500

const listTags = statement<{ name: string }>(
  'repository-delete-tags',
  'SELECT name FROM tag WHERE repository_id = $1 AND name > $2 ORDER BY name LIMIT $3',
)
// What no index names, the latest first: an index comes after what it names, so this finds its rows soon.
const listRoots = statement<{ id: number }>(
  'repository-delete-roots',
  `SELECT m.id FROM manifest m
   WHERE m.repository_id = $1 AND NOT EXISTS (SELECT 1 FROM manifest_child c WHERE c.child_id = m.id)
   ORDER BY m.id DESC LIMIT $2`,
)
const lockRepository = statement('repository-delete-lock', 'SELECT id FROM repository WHERE id = $1 FOR UPDATE')
const hasManifest = statement<{ found: boolean }>(
  'repository-delete-look',
  'SELECT EXISTS (SELECT 1 FROM manifest WHERE repository_id = $1) AS found',
)
const unlist = statement(
  'repository-unlist',
  `UPDATE repository SET listed = false, description = '', described_at = NULL, pull_count = 0 WHERE id = $1`,
)

/**
 * Deletes the artifacts of a repository in batches, and then the repository, until it is gone or `ms` have passed.
 * What is pushed meanwhile is deleted too, unless it comes after the end. Its row stays and is given out again.
 *
 * @throws {TagImmutable} a rule of the project keeps a tag; nothing has been deleted
 * @throws {NotFound} no such repository; {Denied} nothing may be changed
 */
export async function deleteRepository(
  database: Database,
  asked: JudgedRepository & { actor?: string },
  ms: number,
): Promise<{ deletedArtifacts: number; done: boolean }> {
  const until = performance.now() + ms
  const found = await findJudged(database, asked)
  requireOpen(found)
  await refuseImmutable(database, found)
  const deletion = { name: nameOf(asked), actor: asked.actor, admit: admitJudged(asked.project) }
  let deletedArtifacts = 0
  while (performance.now() < until) {
    const roots = await database.run(listRoots, [found.repository_id, BATCH])
    if (roots.length === 0) {
      if (await database.transaction((tx) => unlistEmpty(tx, asked))) return { deletedArtifacts, done: true }
      continue
    }
    const ids = roots.map(({ id }) => id)
    deletedArtifacts += await deleteTogether(database, ids, deletion)
  }
  return { deletedArtifacts, done: false }
}

/** False when something has been pushed meanwhile. Pushes hold the repository they found until they end. */
async function unlistEmpty(tx: Queries, asked: JudgedRepository): Promise<boolean> {
  const { repository_id: id } = await holdJudged(tx, asked)
  await tx.run(lockRepository, [id])
  if ((await tx.find(hasManifest, [id]))?.found) return false
  await tx.run(unlist, [id])
  return true
}

/** Some thousand names at a time. @throws {TagImmutable} */
async function refuseImmutable(database: Database, found: FoundRepository): Promise<void> {
  if (found.immutability_rules === null) return
  for (let last = '', isMore = true; isMore; ) {
    const tags = await database.run(listTags, [found.repository_id, last, TAGS])
    const kept = tags.find(({ name }) => isImmutable(found, found.repository_name, name))
    if (kept !== undefined) throw TagImmutable.deleted(kept.name)
    last = tags.at(-1)?.name ?? ''
    isMore = tags.length === TAGS
  }
}
