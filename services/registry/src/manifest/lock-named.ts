import { type Queries, statement } from '@berth/db'
import {
  type Descriptor,
  type IndexManifest,
  isRequired,
  type Manifest,
  ManifestInvalid,
  optionalBlobs,
} from '@berth/oci'
import { childFactsOf } from '../artifact/index.ts'
import { touchBlobs } from '../blob/index.ts'
import { ManifestBlobUnknown } from './manifest-errors.ts'

const lockBlobs = statement<{ id: number; digest: string; size: number; condemned: boolean }>(
  'put-lock-blobs',
  `SELECT b.id, b.digest, b.size, b.condemned_at IS NOT NULL AS condemned
   FROM blob b JOIN repository_blob rb ON rb.blob_id = b.id AND rb.repository_id = $1
   WHERE b.digest = ANY($2) AND b.corrupt_at IS NULL ORDER BY b.id FOR KEY SHARE OF b, rb`,
)
const lockChildren = statement<{ id: number; digest: string; size: number; total_size: number }>(
  'put-lock-children',
  `SELECT id, digest, size, total_size FROM manifest WHERE repository_id = $1 AND digest = ANY($2)
   ORDER BY id FOR NO KEY UPDATE`,
)

/** Everything a manifest names, held by the transaction. */
export interface Named {
  /** Sorted by id. */
  blobs: { id: number; size: number }[]
  /** Blobs that are here and need not be: kept as long as the manifest is, and counted for nobody. */
  extras: number[]
  /** Columns of `manifest_child`: ids, sorted; positions; platforms, annotations and URLs as JSON texts. */
  children: [ids: number[], ...(number | string | null)[][]]
  /** What is named beside the config and layers of an image: bytes of children with all of theirs, and of blobs. */
  sizes: number[]
}

/**
 * Holds everything a manifest names; what an index names may be a manifest or, in build caches, a blob. The children
 * are held so that it can be said anew whether lists show them.
 *
 * @throws {ManifestBlobUnknown} something is not in this repository
 * @throws {ManifestInvalid} something has another size
 */
export async function lockNamed(tx: Queries, repositoryId: number, manifest: Manifest): Promise<Named> {
  if (manifest.kind === 'index') return lockNamedByIndex(tx, repositoryId, manifest)
  const locked = await lockBlobsOf(tx, repositoryId, manifest.blobs(), optionalBlobs(manifest))
  return { ...locked, children: [[], [], [], [], []], sizes: [] }
}

async function lockNamedByIndex(tx: Queries, repositoryId: number, { children }: IndexManifest): Promise<Named> {
  const entries = new Map(children.map((child) => [child.digest as string, child as Descriptor]))
  if (entries.size === 0) return { blobs: [], extras: [], children: [[], [], [], [], []], sizes: [] }
  const found = await tx.run(lockChildren, [repositoryId, [...entries.keys()]])
  for (const child of found) {
    requireSize(entries.get(child.digest), child.size)
    entries.delete(child.digest)
  }
  const { blobs, extras } = await lockBlobsOf(tx, repositoryId, [...entries.values()].filter(isRequired), [])
  const said = childFactsOf(children)
  const facts = found.map(({ digest }) => said.get(digest))
  return {
    blobs,
    extras,
    children: [
      found.map(({ id }) => id),
      facts.map((fact) => fact?.position ?? 0),
      facts.map((fact) => fact?.platform ?? null),
      facts.map((fact) => fact?.annotations ?? null),
      facts.map((fact) => fact?.urls ?? null),
    ],
    sizes: [...found.map(({ total_size }) => total_size), ...blobs.map(({ size }) => size)],
  }
}

async function lockBlobsOf(
  tx: Queries,
  repositoryId: number,
  wanted: readonly Descriptor[],
  optional: readonly Descriptor[],
): Promise<Pick<Named, 'blobs' | 'extras'>> {
  if (wanted.length + optional.length === 0) return { blobs: [], extras: [] }
  const byDigest = new Map(wanted.map((descriptor) => [descriptor.digest as string, descriptor]))
  const digests = new Set([...byDigest.keys(), ...optional.map(({ digest }) => digest)])
  const rows = await tx.run(lockBlobs, [repositoryId, [...digests]])
  const [required, others] = [
    rows.filter(({ digest }) => byDigest.has(digest)),
    rows.filter(({ digest }) => !byDigest.has(digest)),
  ]
  if (required.length < byDigest.size) {
    const present = new Set(required.map(({ digest }) => digest))
    throw new ManifestBlobUnknown([...byDigest.keys()].filter((digest) => !present.has(digest)))
  }
  for (const { digest, size } of required) requireSize(byDigest.get(digest), size)
  const condemned = rows.filter((row) => row.condemned).map(({ id }) => id)
  await touchBlobs(tx, condemned)
  return { blobs: required, extras: others.map(({ id }) => id) }
}

function requireSize(descriptor: Descriptor | undefined, size: number): void {
  if (descriptor !== undefined && descriptor.sizeBytes !== size) {
    throw new ManifestInvalid(`${descriptor.digest} has ${size} bytes, not ${descriptor.sizeBytes}`)
  }
}
