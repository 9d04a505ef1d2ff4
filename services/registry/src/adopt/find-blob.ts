import { type Database, statement } from '@berth/db'
import { algorithmOf, createHasher, type Digest, type SupportedAlgorithm } from '@berth/oci'
import type { FoundBlob } from './adopt-manifest.ts'
import { dataPathOf } from './layout.ts'
import type { AdoptSource } from './source.ts'

const listKnown = statement<{ digest: string; size: number; storage_key: string; verified: boolean }>(
  'adopt-known-blobs',
  'SELECT digest, size, storage_key, verified_at IS NOT NULL AS verified FROM blob WHERE digest = ANY($1)',
)

/** Why a blob of the other storage cannot be used. */
export type BlobTrouble = 'missing' | 'not what its digest says'

/**
 * Looks for blobs in our tables first, then in the other storage; with `verify` those of the other storage are read
 * whole, once.
 */
export async function findBlobs(
  parts: { database: Database; source: AdoptSource; verify: boolean; onRead: (bytes: number) => void },
  digests: readonly Digest[],
): Promise<{ found: FoundBlob[]; trouble: Map<Digest, BlobTrouble> }> {
  const { database, source, verify, onRead } = parts
  const found: FoundBlob[] = []
  const trouble = new Map<Digest, BlobTrouble>()
  if (digests.length === 0) return { found, trouble }
  const known = new Map((await database.run(listKnown, [digests])).map((row) => [row.digest, row]))
  for (const digest of digests) {
    const path = dataPathOf(digest)
    const key = source.keyOf(path)
    const row = known.get(digest)
    const isDone = row !== undefined && (row.storage_key !== key || row.verified || !verify)
    if (isDone) {
      found.push({ digest, sizeBytes: row.size, key, isVerified: row.verified })
      continue
    }
    const facts = await source.facts(path)
    if (facts === undefined) trouble.set(digest, 'missing')
    else if (verify && !(await isWhatItSays(source, path, digest, onRead)))
      trouble.set(digest, 'not what its digest says')
    else found.push({ digest, sizeBytes: facts.sizeBytes, key, isVerified: verify })
  }
  return { found, trouble }
}

async function isWhatItSays(
  source: AdoptSource,
  path: string,
  digest: Digest,
  onRead: (bytes: number) => void,
): Promise<boolean> {
  const hasher = createHasher(algorithmOf(digest) as SupportedAlgorithm)
  for await (const chunk of (await source.open(path)) as AsyncIterable<Buffer>) {
    hasher.update(chunk)
    onRead(chunk.length)
  }
  return hasher.digest() === digest
}
