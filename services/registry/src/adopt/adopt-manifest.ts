import { type Database, type Queries, statement } from '@berth/db'
import {
  type Descriptor,
  type Digest,
  isManifestType,
  isRequired,
  type Manifest,
  optionalBlobs,
  type RepositoryName,
  referrerType,
} from '@berth/oci'
import { type ChildFacts, childFactsOf, lockManifests, refreshShown } from '../artifact/index.ts'
import { touchBlobs } from '../blob/index.ts'
import { linkToProject, NO_PROJECT } from '../manifest/index.ts'
import type { StorageKey } from '../storage/index.ts'

/** A blob as the other storage has it. */
export interface FoundBlob {
  digest: Digest
  sizeBytes: number
  key: StorageKey
  /** Its bytes were read and are what the digest says. */
  isVerified: boolean
}

export interface FoundManifest {
  digest: Digest
  bytes: Buffer
  manifest: Manifest
  pushedAt: Date
}

/** It cannot be taken over, for the reason the message says. */
export class NotAdoptable extends Error {
  override name = 'NotAdoptable'
}

const lockProject = statement<{ id: number; state: string; kind: string }>(
  'adopt-lock-project',
  `SELECT id, state, kind FROM project WHERE name = $1 AND state <> 'deleted' FOR KEY SHARE`,
)
const findRepository = statement<{ id: number; listed: boolean }>(
  'adopt-find-repository',
  'SELECT id, listed FROM repository WHERE project_id = $1 AND name = $2',
)
const makeRepository = statement<{ id: number }>(
  'adopt-make-repository',
  `INSERT INTO repository (project_id, name, listed) VALUES ($1, $2, $3)
   ON CONFLICT (project_id, name) DO UPDATE SET listed = repository.listed OR EXCLUDED.listed RETURNING id`,
)
// Bytes that are about to be removed are not there any more.
const insertBlobs = statement<{ digest: string }>(
  'adopt-insert-blobs',
  `INSERT INTO blob (digest, size, storage_key, verified_at)
   SELECT b.digest, b.size, b.key, CASE WHEN b.verified THEN now() END
   FROM unnest($1::text[], $2::bigint[], $3::text[], $4::boolean[]) AS b (digest, size, key, verified)
   WHERE NOT EXISTS (SELECT 1 FROM trash t WHERE t.storage_key = b.key)
   ORDER BY b.digest ON CONFLICT DO NOTHING RETURNING digest`,
)
const lockBlobs = statement<{ id: number; digest: string; size: number; condemned: boolean }>(
  'adopt-lock-blobs',
  `SELECT id, digest, size, condemned_at IS NOT NULL AS condemned FROM blob
   WHERE digest = ANY($1) ORDER BY id FOR KEY SHARE`,
)
const linkBlobs = statement(
  'adopt-link-blobs',
  'INSERT INTO repository_blob (repository_id, blob_id) SELECT $1::bigint, unnest($2::bigint[]) ON CONFLICT DO NOTHING',
)
const findChildren = statement<{ id: number; digest: string; size: number }>(
  'adopt-find-children',
  'SELECT id, digest, size FROM manifest WHERE repository_id = $1 AND digest = ANY($2) ORDER BY id',
)
const insertManifest = statement<{ id: number }>(
  'adopt-insert-manifest',
  `WITH content AS (
     INSERT INTO manifest_content (digest, bytes) VALUES ($2, $3) ON CONFLICT DO NOTHING
   )
   INSERT INTO manifest (repository_id, digest, media_type, size, artifact_type, subject_digest, annotations,
     pushed_at, adopted_at)
   VALUES ($1, $2, $4, length($3::bytea), $5, $6, $7, least($8, now()), now())
   ON CONFLICT (repository_id, digest) DO NOTHING RETURNING id`,
)
const linkManifest = statement(
  'adopt-link-manifest',
  `WITH blobs AS (
     INSERT INTO manifest_blob (manifest_id, blob_id, project_id)
     SELECT $1::bigint, b.* FROM unnest($2::bigint[], $3::bigint[]) b
   )
   INSERT INTO manifest_child (parent_id, child_id, position, platform, annotations, urls)
   SELECT $1::bigint, c.id, c.position, c.platform, c.annotations, c.urls
   FROM unnest($4::bigint[], $5::int[], $6::json[], $7::json[], $8::json[]) AS c (id, position, platform, annotations, urls)`,
)
// Without a look at the quota: the bytes are there already, and a project over it is told so by its next push.
const addUsed = statement('adopt-add-usage', 'UPDATE project SET used = used + $2 WHERE id = $1')

const markCorrupt = statement('adopt-mark-gone', 'UPDATE blob SET corrupt_at = now() WHERE digest = ANY($1)')

/** Where a repository of the other storage goes. */
export interface Place {
  project: string
  name: RepositoryName
}

export interface Adopted {
  /** What an index names and is not here. */
  gaps: readonly Digest[]
  /** Blobs our tables had not before. */
  inserted: readonly Digest[]
}

/**
 * Takes over a manifest with the blobs it names, in one transaction, so that no blob of it is ever without a
 * reference. Locks in the order of a push: project, repository, blobs, children, manifest, usage links, usage. Nobody
 * is told of it: nothing was pushed.
 *
 * @param blobs those it needs; of each that our tables have already, theirs is kept
 * @throws {NotAdoptable} something it names has another size; the project takes nothing
 */
export async function adoptManifest(
  database: Database,
  place: Place,
  found: FoundManifest,
  blobs: readonly FoundBlob[],
): Promise<Adopted> {
  try {
    return await adoptOnce(database, place, found, blobs)
  } catch (err) {
    // Its bytes, left over from a deleted manifest, were swept away in the same moment.
    if ((err as { constraint?: unknown }).constraint !== 'manifest_content_fk') throw err
    return await adoptOnce(database, place, found, blobs)
  }
}

function adoptOnce(database: Database, place: Place, found: FoundManifest, blobs: readonly FoundBlob[]) {
  return database.transaction(async (tx) => {
    const { digest, bytes, manifest, pushedAt } = found
    const projectId = await enter(tx, place)
    const repositoryId = await repositoryOf(tx, projectId, place.name, true)
    const { held, inserted } = await holdBlobs(tx, repositoryId, blobs)
    for (const wanted of requiredOf(manifest)) requireSize(wanted, held.get(wanted.digest)?.size)
    const children = await holdChildren(tx, repositoryId, manifest, held)
    const [put] = await tx.run(insertManifest, [
      repositoryId,
      digest,
      bytes,
      manifest.mediaType,
      referrerType(manifest) ?? null,
      manifest.subject?.digest ?? null,
      manifest.subject ? JSON.stringify(manifest.annotations) : null,
      pushedAt,
    ])
    if (put === undefined) return { gaps: children.gaps, inserted }
    const optional = new Set(optionalBlobs(manifest).map((blob) => held.get(blob.digest)?.id))
    const rows = [...held.values()].toSorted((a, b) => a.id - b.id)
    const counted = rows.filter(({ id }) => !optional.has(id))
    const projects = rows.map(({ id }) => (optional.has(id) ? NO_PROJECT : projectId))
    await tx.run(linkManifest, [put.id, rows.map(({ id }) => id), projects, ...children.columns])
    await refreshShown(tx, children.ids)
    const added = await linkToProject(tx, projectId, counted)
    if (added > 0) await tx.run(addUsed, [projectId, added])
    return { gaps: children.gaps, inserted }
  })
}

/** Lets a repository see blobs none of its manifests names. They are garbage unless somebody comes for them. */
export function adoptBlobs(database: Database, place: Place, blobs: readonly FoundBlob[]): Promise<Adopted> {
  return database.transaction(async (tx) => {
    const projectId = await enter(tx, place)
    const { inserted } = await holdBlobs(tx, await repositoryOf(tx, projectId, place.name, false), blobs)
    return { gaps: [], inserted }
  })
}

/** Says of blobs that their bytes are gone, until a push of them brings them back. */
export async function markGone(database: Database, digests: readonly Digest[]): Promise<void> {
  await database.run(markCorrupt, [digests])
}

/** Holds the project, so that nobody closes it meanwhile. @throws {NotAdoptable} it takes nothing */
export async function enter(tx: Queries, { project }: Place): Promise<number> {
  const row = await tx.find(lockProject, [project])
  if (row === undefined) throw new NotAdoptable(`there is no project ${project}`)
  if (row.state !== 'open') throw new NotAdoptable(`the project ${project} is being deleted`)
  if (row.kind !== 'local') throw new NotAdoptable(`the project ${project} is a proxy cache`)
  return row.id
}

async function repositoryOf(tx: Queries, projectId: number, name: RepositoryName, isListed: boolean): Promise<number> {
  const found = await tx.find(findRepository, [projectId, name])
  if (found !== undefined && (found.listed || !isListed)) return found.id
  const made = await tx.find(makeRepository, [projectId, name, isListed])
  if (made === undefined) throw new Error('a repository could not be made')
  return made.id
}

async function holdBlobs(
  tx: Queries,
  repositoryId: number,
  blobs: readonly FoundBlob[],
): Promise<{ held: Map<string, { id: number; size: number }>; inserted: Digest[] }> {
  if (blobs.length === 0) return { held: new Map(), inserted: [] }
  const column = <T>(of: (blob: FoundBlob) => T) => blobs.map(of)
  const digests = column(({ digest }) => digest)
  const inserted = await tx.run(insertBlobs, [
    digests,
    column(({ sizeBytes }) => sizeBytes),
    column(({ key }) => key),
    column(({ isVerified }) => isVerified),
  ])
  const rows = await tx.run(lockBlobs, [digests])
  await touchBlobs(
    tx,
    rows.filter((row) => row.condemned).map(({ id }) => id),
  )
  await tx.run(linkBlobs, [repositoryId, rows.map(({ id }) => id)])
  return {
    held: new Map(rows.map(({ id, digest, size }) => [digest, { id, size }])),
    inserted: inserted.map(({ digest }) => digest as Digest),
  }
}

interface Children {
  ids: number[]
  /** Of `manifest_child`, one entry for each of them. */
  columns: unknown[][]
  /** What the index names and is not here. */
  gaps: Digest[]
}

async function holdChildren(
  tx: Queries,
  repositoryId: number,
  manifest: Manifest,
  held: ReadonlyMap<string, unknown>,
): Promise<Children> {
  if (manifest.kind !== 'index') return { ids: [], columns: [[], [], [], [], []], gaps: [] }
  const entries = new Map(manifest.children.map((child) => [child.digest as string, child]))
  const found = await tx.run(findChildren, [repositoryId, [...entries.keys()]])
  const locked = new Set(
    await lockManifests(
      tx,
      found.map(({ id }) => id),
    ),
  )
  const here = found.filter(({ id }) => locked.has(id))
  const facts = childFactsOf(manifest.children)
  for (const { digest, size } of here) {
    const entry = entries.get(digest)
    if (entry !== undefined) requireSize(entry, size)
    entries.delete(digest)
  }
  const column = (of: keyof ChildFacts) => here.map(({ digest }) => facts.get(digest)?.[of] ?? null)
  const ids = here.map(({ id }) => id)
  const missing = [...entries.values()].filter((entry) => isRequired(entry) && !held.has(entry.digest))
  return {
    ids,
    columns: [ids, column('position'), column('platform'), column('annotations'), column('urls')],
    gaps: missing.map(({ digest }) => digest),
  }
}

/** What must be there as blobs. */
export function requiredOf(manifest: Manifest): readonly Descriptor[] {
  return manifest.kind === 'index' ? [] : manifest.blobs()
}

/** What may be there as blobs: layers that need not be, and build caches name some in an index. */
export function blobsNamedBy(manifest: Manifest): readonly Descriptor[] {
  if (manifest.kind !== 'index') return [...manifest.blobs(), ...optionalBlobs(manifest)]
  return manifest.children.filter((child) => isRequired(child) && !isManifestType(child.mediaType))
}

function requireSize(descriptor: Descriptor, size: number | undefined): void {
  if (size === undefined) throw new NotAdoptable(`blob ${descriptor.digest} is missing`)
  if (descriptor.sizeBytes === size) return
  throw new NotAdoptable(`${descriptor.digest} has ${size} bytes, not ${descriptor.sizeBytes}`)
}
