import { type Database, type Queries, statement, tell } from '@berth/db'
import { type Digest, type Manifest, projectOf, type RepositoryName, referrerType, type Tag } from '@berth/oci'
import { artifactPushed } from '@berth/types'
import { factsOf, refreshShown, settleShown, sumBytes } from '../artifact/index.ts'
import { isImmutable, RULE_FACTS, type RuleFacts, TagImmutable } from '../policy/index.ts'
import { CHANGE_FACTS, type ChangeFacts } from '../project/index.ts'
import { lockNamed } from './lock-named.ts'
import { type HeldTag, stampTags } from './stamp-tags.ts'
import { addUsage, linkToProject, NO_PROJECT } from './usage.ts'

/** @see RFC 6838, section 4.2: two names of 127 characters at most, and a slash between them */
const MAX_TYPE_LENGTH = 255

interface RepositoryRow extends ChangeFacts, RuleFacts {
  project_id: number
  repository_id: number | null
  listed: boolean | null
}

// The repository is held as well: it does not stop being listed between here and the manifest.
const lockProject = statement<RepositoryRow>(
  'put-lock-project',
  `SELECT ${CHANGE_FACTS}, ${RULE_FACTS}, r.id AS repository_id, r.listed
   FROM project p LEFT JOIN LATERAL (
     SELECT id, listed FROM repository WHERE project_id = p.id AND name = $2 FOR KEY SHARE
   ) r ON true
   WHERE p.name = $1 AND p.state <> 'deleted' FOR KEY SHARE OF p`,
)
const makeRepository = statement<{ id: number }>(
  'put-make-repository',
  `INSERT INTO repository (project_id, name, listed) VALUES ($1, $2, true)
   ON CONFLICT (project_id, name) DO UPDATE SET listed = true,
     created_at = CASE WHEN repository.listed THEN repository.created_at ELSE now() END
   RETURNING id`,
)
const insertManifest = statement<{ id: number; held: HeldTag[] }>(
  'put-insert-manifest',
  `WITH content AS (
     INSERT INTO manifest_content (digest, bytes) VALUES ($2, $3) ON CONFLICT DO NOTHING
   ),
   healed AS (
     UPDATE manifest_content SET bytes = $3, corrupt_at = NULL, verified_at = now()
     WHERE digest = $2 AND (corrupt_at IS NOT NULL OR bytes <> $3)
   ),
   m AS (
     INSERT INTO manifest (repository_id, digest, media_type, size, artifact_type, subject_digest, annotations,
       kind, config_digest, config_media_type, total_size, accessory_type, accessory_of, shown)
     VALUES ($1, $2, $4, length($3::bytea), $5, $6, $7, $8, $9, $10, $11, $12, $13, $12::text IS NULL)
     ON CONFLICT (repository_id, digest) DO UPDATE SET media_type = EXCLUDED.media_type, pushed_at = now(),
       artifact_type = EXCLUDED.artifact_type, subject_digest = EXCLUDED.subject_digest,
       annotations = EXCLUDED.annotations, kind = EXCLUDED.kind, config_digest = EXCLUDED.config_digest,
       config_media_type = EXCLUDED.config_media_type, total_size = EXCLUDED.total_size,
       accessory_type = coalesce(EXCLUDED.accessory_type, manifest.accessory_type),
       accessory_of = coalesce(EXCLUDED.accessory_of, manifest.accessory_of),
       shown = coalesce(EXCLUDED.accessory_type, manifest.accessory_type) IS NULL
         AND (manifest.shown OR cardinality($21::text[]) > 0),
       facts_at = CASE WHEN manifest.media_type = EXCLUDED.media_type AND manifest.extra_attrs IS NOT NULL
         THEN manifest.facts_at END
     RETURNING id
   ),
   blobs AS (
     INSERT INTO manifest_blob (manifest_id, blob_id, project_id) SELECT m.id, b.* FROM m, unnest($14::bigint[], $15::bigint[]) b
     ON CONFLICT DO NOTHING
   ),
   children AS (
     INSERT INTO manifest_child (parent_id, child_id, position, platform, annotations, urls)
     SELECT m.id, c.* FROM m, unnest($16::bigint[], $17::int[], $18::json[], $19::json[], $20::json[]) c
     ON CONFLICT DO NOTHING
   ),
   held AS (
     SELECT t.id, t.name, t.manifest_id FROM m, tag t
     WHERE t.repository_id = $1 AND t.name = ANY($21) ORDER BY t.name FOR NO KEY UPDATE OF t
   )
   SELECT m.id, (SELECT coalesce(json_agg(held), '[]') FROM held) AS held FROM m`,
)

export interface PushedManifest {
  name: RepositoryName
  digest: Digest
  bytes: Uint8Array
  manifest: Manifest
  tags: readonly Tag[]
  actor?: string
}

/**
 * Puts a manifest in one transaction. Locks are always taken in this order, ids sorted within each: project,
 * repository, blobs, children, manifest, tags, usage links; then the outbox row, and the usage of the project last.
 *
 * @param admit judges the project before anything is done
 * @throws {ManifestBlobUnknown} something it names is not in this repository
 * @throws {ManifestInvalid} something it names has another size
 * @throws {TagImmutable} a rule of the project keeps one of the tags where it is
 * @throws {Denied} over quota
 */
export async function putManifest(
  database: Database,
  pushed: PushedManifest,
  admit: (facts: ChangeFacts | undefined) => ChangeFacts,
): Promise<void> {
  try {
    await putOnce(database, pushed, admit)
  } catch (err) {
    // Its bytes, left over from a deleted manifest, were swept away in the same moment.
    if (!isContentGone(err)) throw err
    await putOnce(database, pushed, admit)
  }
}

function isContentGone(err: unknown): boolean {
  return (err as { constraint?: unknown }).constraint === 'manifest_content_fk'
}

async function putOnce(
  database: Database,
  pushed: PushedManifest,
  admit: (facts: ChangeFacts | undefined) => ChangeFacts,
): Promise<void> {
  const leftChild = await database.transaction(async (tx) => {
    const { name, manifest, digest } = pushed
    const row = await tx.find(lockProject, [projectOf(name), name])
    const { project_id: projectId } = admit(row)
    const isListed = row?.repository_id != null && row.listed === true
    const repositoryId = isListed ? (row.repository_id as number) : await listedRepository(tx, projectId, name)

    const named = await lockNamed(tx, repositoryId, manifest)
    const facts = factsOf(manifest, digest, pushed.tags)
    const [put] = await tx.run(insertManifest, [
      repositoryId,
      digest,
      pushed.bytes,
      manifest.mediaType,
      referrerType(manifest) ?? null,
      manifest.subject?.digest ?? null,
      Object.keys(manifest.annotations).length > 0 ? JSON.stringify(manifest.annotations) : null,
      facts.kind,
      facts.configDigest ?? null,
      facts.configMediaType ?? null,
      sumBytes([facts.ownBytes, ...named.sizes]),
      facts.accessory?.type ?? null,
      facts.accessory?.of ?? null,
      [...named.blobs.map(({ id }) => id), ...named.extras],
      [...named.blobs.map(() => projectId), ...named.extras.map(() => NO_PROJECT)],
      ...named.children,
      pushed.tags,
    ])
    const { id: manifestId, held } = put ?? { id: 0, held: [] }
    const refuseMove = ({ name: tag, manifest_id: there }: HeldTag) => {
      if (row !== undefined && there !== manifestId && isImmutable(row, name, tag)) throw TagImmutable.pushed(name, tag)
    }
    const { revision, leftChild } = await stampTags(tx, { repositoryId, manifestId, refuseMove }, pushed.tags, held)
    if (manifest.kind === 'index') await refreshShown(tx, named.children[0])
    const added = await linkToProject(tx, projectId, named.blobs)
    await tell(tx, artifactPushed, {
      revision,
      actor: pushed.actor,
      data: {
        projectId,
        repository: name,
        digest,
        mediaType: manifest.mediaType,
        sizeBytes: manifest.sizeBytes,
        tags: [...pushed.tags],
        artifactType: tellableType(manifest),
        subject: manifest.subject?.digest,
      },
    })
    await addUsage(tx, projectId, added, pushed.actor)
    return leftChild
  })
  if (leftChild) await settleShown(database)
}

/** Absent where it is longer than any media type: an event must fit into a message. */
function tellableType(manifest: Manifest): string | undefined {
  const type = referrerType(manifest)
  return type !== undefined && type.length <= MAX_TYPE_LENGTH ? type : undefined
}

async function listedRepository(tx: Queries, projectId: number, name: RepositoryName): Promise<number> {
  const made = await tx.find(makeRepository, [projectId, name])
  if (made === undefined) throw new Error('a repository could not be made')
  return made.id
}
