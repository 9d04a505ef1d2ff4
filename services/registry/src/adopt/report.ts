import type { CommandReport } from '@berth/types'
import type { AdoptionStore } from './adoption-store.ts'
import { BLOBS } from './layout.ts'
import type { AdoptSource } from './source.ts'
import type { TagSource } from './tag-source.ts'

const SHOWN = 1_000

/** What a finished adoption has done, from its rows: the same however often it was interrupted. */
export async function reportOf(
  store: AdoptionStore,
  id: number,
  source: AdoptSource,
  tags: TagSource | undefined,
): Promise<CommandReport> {
  const sums = await store.sums(id)
  const { blobs, bytes } = await store.blobs(source.keyOf(BLOBS))
  const skipped = await store.countFindings(id)
  const skippedOf = (what: string) => skipped.get(what) ?? 0
  return {
    figures: {
      source: source.name,
      repositories: sums.repositories,
      manifests: sums.manifests,
      tags: sums.tags,
      blobs,
      blobBytes: bytes,
      untaggedKept: sums.untagged,
      skippedRepositories: skippedOf('repository'),
      skippedManifests: skippedOf('manifest'),
      skippedTags: skippedOf('tag'),
      skippedBlobs: skippedOf('blob'),
      incompleteIndexes: skippedOf('index'),
    },
    findings: await store.listFindings(id, SHOWN),
    remarks: remarksOf(sums, tags),
  }
}

function remarksOf(sums: { manifests: number; tags: number; untagged: number }, tags: TagSource | undefined): string[] {
  if (sums.untagged === 0) return []
  const kept =
    `${sums.untagged} artifacts arrived untagged; garbage collection keeps them until ` +
    '"berth registry adopt --release-untagged" says otherwise'
  const where =
    tags === undefined && sums.tags === 0
      ? ['the storage holds no tags, as that of Harbor: --tags-from brings them']
      : []
  return [...where, kept]
}
