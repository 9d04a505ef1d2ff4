import { type Database, type Queries, statement, tell } from '@berth/db'
import { BadRequest, Conflict, NotFound } from '@berth/errors'
import { findTag, type Tag } from '@berth/oci'
import { type TagFacts, tagCreated } from '@berth/types'
import { lockManifests, noteTag, refreshShown } from '../artifact/index.ts'
import { deleteTagOnly } from '../manifest/index.ts'
import {
  admitJudged,
  artifactUnknown,
  findArtifact,
  findJudged,
  holdJudged,
  type JudgedRepository,
  nameOf,
  requireLocal,
} from '../search/index.ts'
import { readTags } from './tag-search.ts'

// The number is taken once whoever deletes the same tag has done so: an insert waits for it.
const insert = statement<{ id: number }>(
  'tag-create',
  `INSERT INTO tag (repository_id, name, manifest_id, revision) VALUES ($1, $2, $3, 0)
   ON CONFLICT (repository_id, name) DO NOTHING RETURNING id`,
)
const stamp = statement<{ revision: number; media_type: string }>(
  'tag-create-stamp',
  `UPDATE tag t SET revision = nextval('revision') FROM manifest m WHERE t.id = $1 AND m.id = t.manifest_id
   RETURNING t.revision, m.media_type`,
)
const findOn = statement<{ id: number }>('tag-on', 'SELECT id FROM tag WHERE manifest_id = $1 AND name = $2')

interface TagChange extends JudgedRepository {
  reference?: string
  tag: string
  actor?: string
}

/**
 * Gives an artifact one more tag.
 *
 * @throws {NotFound} no such repository or artifact
 * @throws {Conflict} the repository has this tag
 * @throws {MethodNotAllowed} a proxy project; {Denied} nothing may be changed
 */
export async function createTag(database: Database, asked: TagChange & { reference: string }): Promise<TagFacts> {
  const tag = tagOf(asked.tag)
  return database.transaction((tx) => createTagIn(tx, asked, tag))
}

async function createTagIn(tx: Queries, asked: TagChange & { reference: string }, tag: Tag): Promise<TagFacts> {
  const found = await holdJudged(tx, asked)
  requireLocal(found)
  const { project_id: projectId, repository_id: repositoryId, repository_name: repository } = found
  const artifact = await findArtifact(tx, found, asked.reference)
  const held = await lockManifests(tx, [artifact.id])
  if (held.length === 0) throw artifactUnknown(repository, asked.reference)
  const made = await tx.find(insert, [repositoryId, tag, artifact.id])
  if (made === undefined) throw new Conflict(`tag ${tag} already exists under the repository ${repositoryId}`)
  const stamped = await tx.find(stamp, [made.id])
  await noteTag(tx, artifact.id, tag)
  await refreshShown(tx, held)
  await tell(tx, tagCreated, {
    revision: stamped?.revision ?? 0,
    actor: asked.actor,
    data: { projectId, repository, digest: artifact.digest, mediaType: stamped?.media_type ?? '', tag },
  })
  const [facts] = await readTags(tx, [made.id], found, repository)
  if (facts === undefined) throw new Error('a tag just made is gone')
  return facts
}

/**
 * Takes a tag away; what it named stays.
 *
 * @throws {NotFound} no such repository, artifact or tag, or the tag is on another artifact
 * @throws {TagImmutable} a rule of the project keeps it; {Denied} nothing may be changed
 */
export async function deleteTag(database: Database, asked: TagChange): Promise<void> {
  const tag = findTag(asked.tag)
  const found = await findJudged(database, asked)
  const unknown = new NotFound(`tag ${asked.repository}:${asked.tag} not found`)
  if (tag === undefined) throw unknown
  let on: number | undefined
  if (asked.reference !== undefined) {
    on = (await findArtifact(database, found, asked.reference)).id
    const isOn = (await database.find(findOn, [on, tag])) !== undefined
    if (!isOn) throw new NotFound(`tag ${tag} attached to artifact ${on} not found`)
  }
  const deletion = { name: nameOf(asked), actor: asked.actor, admit: admitJudged(asked.project), on }
  if (!(await deleteTagOnly(database, tag, deletion))) throw unknown
}

function tagOf(text: string): Tag {
  const tag = findTag(text)
  if (tag === undefined) throw new BadRequest(`invalid tag name: ${JSON.stringify(text).slice(0, 200)}`)
  return tag
}
