import { type Database, type Queries, statement, tell } from '@berth/db'
import {
  type Descriptor,
  type Digest,
  isRequired,
  type Manifest,
  ManifestInvalid,
  projectOf,
  type RepositoryName,
  referrerType,
  type Tag,
} from '@berth/oci'
import { artifactPushed } from '@berth/types'
import { touchBlobs } from '../blob/index.ts'
import { isImmutable, RULE_FACTS, type RuleFacts, TagImmutable } from '../policy/index.ts'
import { CHANGE_FACTS, type ChangeFacts } from '../project/index.ts'
import { ManifestBlobUnknown } from './manifest-errors.ts'
import { addUsage, linkToProject } from './usage.ts'

interface RepositoryRow extends ChangeFacts, RuleFacts {
  repository_id: number | null
  listed: boolean | null
}

const lockProject = statement<RepositoryRow>(
  'put-lock-project',
  `SELECT ${CHANGE_FACTS}, ${RULE_FACTS}, r.id AS repository_id, r.listed
   FROM project p LEFT JOIN repository r ON r.project_id = p.id AND r.name = $2
   WHERE p.name = $1 AND p.state <> 'deleted' FOR KEY SHARE OF p`,
)
const makeRepository = statement<{ id: number }>(
  'put-make-repository',
  `INSERT INTO repository (project_id, name, listed) VALUES ($1, $2, true)
   ON CONFLICT (project_id, name) DO UPDATE SET listed = true RETURNING id`,
)
const lockBlobs = statement<{ id: number; digest: string; size: number; condemned: boolean }>(
  'put-lock-blobs',
  `SELECT b.id, b.digest, b.size, b.condemned_at IS NOT NULL AS condemned
   FROM blob b JOIN repository_blob rb ON rb.blob_id = b.id AND rb.repository_id = $1
   WHERE b.digest = ANY($2) AND b.corrupt_at IS NULL ORDER BY b.id FOR KEY SHARE OF b, rb`,
)
const lockChildren = statement<{ id: number; digest: string; size: number }>(
  'put-lock-children',
  `SELECT id, digest, size FROM manifest WHERE repository_id = $1 AND digest = ANY($2) ORDER BY id FOR KEY SHARE`,
)
const insertManifest = statement<{ id: number }>(
  'put-insert-manifest',
  `WITH content AS (
     INSERT INTO manifest_content (digest, bytes) VALUES ($2, $3) ON CONFLICT DO NOTHING
   ),
   healed AS (
     UPDATE manifest_content SET bytes = $3, corrupt_at = NULL, verified_at = now()
     WHERE digest = $2 AND corrupt_at IS NOT NULL
   ),
   m AS (
     INSERT INTO manifest (repository_id, digest, media_type, size, artifact_type, subject_digest, annotations)
     VALUES ($1, $2, $4, length($3::bytea), $5, $6, $7)
     ON CONFLICT (repository_id, digest) DO UPDATE SET media_type = EXCLUDED.media_type, pushed_at = now(),
       artifact_type = EXCLUDED.artifact_type, subject_digest = EXCLUDED.subject_digest,
       annotations = EXCLUDED.annotations
     RETURNING id
   ),
   blobs AS (
     INSERT INTO manifest_blob (manifest_id, blob_id, project_id) SELECT m.id, unnest($8::bigint[]), $10::bigint FROM m
     ON CONFLICT DO NOTHING
   ),
   children AS (
     INSERT INTO manifest_child (parent_id, child_id) SELECT m.id, unnest($9::bigint[]) FROM m ON CONFLICT DO NOTHING
   )
   SELECT id FROM m`,
)
const setTag = statement<{ id: number; revision: number; inserted: boolean }>(
  'put-set-tag',
  `INSERT INTO tag (repository_id, name, manifest_id, revision) VALUES ($1, $2, $3, nextval('revision'))
   ON CONFLICT (repository_id, name) DO UPDATE
     SET manifest_id = EXCLUDED.manifest_id, revision = nextval('revision'), pushed_at = now()
     WHERE NOT $4::boolean OR tag.manifest_id = EXCLUDED.manifest_id
   RETURNING id, revision, (xmax = 0) AS inserted`,
)
const restampTag = statement<{ revision: number }>(
  'put-restamp-tag',
  `UPDATE tag SET revision = nextval('revision') WHERE id = $1 RETURNING revision`,
)
const nextRevision = statement<{ revision: number }>('put-next-revision', `SELECT nextval('revision') AS revision`)

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
  admit: <F extends ChangeFacts>(facts: F | undefined) => F,
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
  admit: <F extends ChangeFacts>(facts: F | undefined) => F,
): Promise<void> {
  await database.transaction(async (tx) => {
    const { name, manifest, digest } = pushed
    const row = admit(await tx.find(lockProject, [projectOf(name), name]))
    const { project_id: projectId } = row
    const isListed = row.repository_id !== null && row.listed === true
    const repositoryId = isListed ? (row.repository_id as number) : await listedRepository(tx, projectId, name)

    const named = await lockNamed(tx, repositoryId, manifest)
    const [put] = await tx.run(insertManifest, [
      repositoryId,
      digest,
      pushed.bytes,
      manifest.mediaType,
      referrerType(manifest) ?? null,
      manifest.subject?.digest ?? null,
      manifest.subject ? JSON.stringify(manifest.annotations) : null,
      named.blobs.map(({ id }) => id),
      named.childIds,
      projectId,
    ])
    const revision = await stampTags(tx, {
      repositoryId,
      manifestId: put?.id ?? 0,
      name,
      tags: pushed.tags,
      rules: row,
    })
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
        artifactType: referrerType(manifest),
        subject: manifest.subject?.digest,
      },
    })
    await addUsage(tx, projectId, added)
  })
}

async function listedRepository(tx: Queries, projectId: number, name: RepositoryName): Promise<number> {
  const made = await tx.find(makeRepository, [projectId, name])
  if (made === undefined) throw new Error('a repository could not be made')
  return made.id
}

interface Named {
  /** Sorted by id. */
  blobs: { id: number; size: number }[]
  childIds: number[]
}

/** Holds everything the manifest names; what an index names may be a manifest or, in build caches, a blob. */
async function lockNamed(tx: Queries, repositoryId: number, manifest: Manifest): Promise<Named> {
  if (manifest.kind !== 'index') return { blobs: await lockBlobsOf(tx, repositoryId, manifest.blobs()), childIds: [] }
  const entries = new Map(manifest.children.map((child) => [child.digest as string, child as Descriptor]))
  if (entries.size === 0) return { blobs: [], childIds: [] }
  const found = await tx.run(lockChildren, [repositoryId, [...entries.keys()]])
  const others = new Map(entries)
  for (const child of found) {
    requireSize(entries.get(child.digest), child.size)
    others.delete(child.digest)
  }
  const missing = [...others.values()].filter(isRequired)
  return { blobs: await lockBlobsOf(tx, repositoryId, missing), childIds: found.map(({ id }) => id) }
}

async function lockBlobsOf(
  tx: Queries,
  repositoryId: number,
  wanted: readonly Descriptor[],
): Promise<{ id: number; size: number }[]> {
  if (wanted.length === 0) return []
  const byDigest = new Map(wanted.map((descriptor) => [descriptor.digest as string, descriptor]))
  const rows = await tx.run(lockBlobs, [repositoryId, [...byDigest.keys()]])
  if (rows.length < byDigest.size) {
    const present = new Set(rows.map(({ digest }) => digest))
    throw new ManifestBlobUnknown([...byDigest.keys()].filter((digest) => !present.has(digest)))
  }
  for (const { digest, size } of rows) requireSize(byDigest.get(digest), size)
  const condemned = rows.filter((row) => row.condemned).map(({ id }) => id)
  await touchBlobs(tx, condemned)
  return rows
}

function requireSize(descriptor: Descriptor | undefined, size: number): void {
  if (descriptor !== undefined && descriptor.sizeBytes !== size) {
    throw new ManifestInvalid(`${descriptor.digest} has ${size} bytes, not ${descriptor.sizeBytes}`)
  }
}

/** Moves the tags; answers a revision taken while they, or without tags the manifest, are locked. */
async function stampTags(
  tx: Queries,
  to: { repositoryId: number; manifestId: number; name: RepositoryName; tags: readonly Tag[]; rules: RuleFacts },
): Promise<number> {
  const { repositoryId, manifestId, name, tags, rules } = to
  let revision: number | undefined
  for (const tag of [...tags].sort()) {
    const row = await tx.find(setTag, [repositoryId, tag, manifestId, isImmutable(rules, name, tag)])
    if (row === undefined) throw TagImmutable.pushed(name, tag)
    // An insert took its number before it waited for a delete of the same tag.
    const stamped = row.inserted ? await tx.find(restampTag, [row.id]) : row
    revision = stamped?.revision
  }
  return revision ?? (await tx.find(nextRevision))?.revision ?? 0
}
