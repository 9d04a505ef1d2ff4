import { algorithmOf, type Digest, encodedOf, findDigest, findTag, isSupported, type Tag } from '@berth/oci'
import type { AdoptSource, FileFacts } from './source.ts'

/**
 * The layout `distribution` keeps, below `docker/registry/v2`:
 *
 * ```
 * repositories/<name>/_manifests/revisions/sha256/<hex>/link     the digest; gone when the manifest was deleted
 * repositories/<name>/_manifests/tags/<tag>/current/link         the digest the tag names
 * repositories/<name>/_layers/sha256/<hex>/link                  the repository may see this blob
 * blobs/sha256/<ab>/<hex>/data                                   the bytes, of manifests too
 * ```
 */
const REPOSITORIES = 'repositories'
/** Below it is the bytes of every digest. */
export const BLOBS = 'blobs'
const MAX_LINK_BYTES = 1_024
const MAX_DEPTH = 128

/** Where the bytes of a digest are. */
export function dataPathOf(digest: Digest): string {
  const hex = encodedOf(digest)
  return `${BLOBS}/${algorithmOf(digest)}/${hex.slice(0, 2)}/${hex}/data`
}

/** Names of all repositories, whatever they are called; in any order. */
export async function* repositoriesIn(source: AdoptSource): AsyncIterable<string> {
  yield* below(source, '', 0)
}

async function* below(source: AdoptSource, name: string, depth: number): AsyncIterable<string> {
  if (depth > MAX_DEPTH) return
  const parts: string[] = []
  let isRepository = false
  for await (const directory of source.directories(name === '' ? REPOSITORIES : `${REPOSITORIES}/${name}`)) {
    if (directory === '_manifests' || directory === '_layers') isRepository = true
    else if (!directory.startsWith('_')) parts.push(directory)
  }
  if (isRepository) yield name
  for (const part of parts) yield* below(source, name === '' ? part : `${name}/${part}`, depth + 1)
}

/** Digests of the manifests of a repository that were not deleted, with the time they were pushed. */
export function manifestsOf(source: AdoptSource, repository: string): AsyncIterable<LinkedDigest> {
  return linked(source, `${REPOSITORIES}/${repository}/_manifests/revisions`)
}

/** Digests of the blobs a repository may see. */
export function layersOf(source: AdoptSource, repository: string): AsyncIterable<LinkedDigest> {
  return linked(source, `${REPOSITORIES}/${repository}/_layers`)
}

export interface LinkedDigest {
  digest: Digest
  /** Reads its link; undefined when it was deleted. */
  linkedAt(): Promise<Date | undefined>
}

async function* linked(source: AdoptSource, path: string): AsyncIterable<LinkedDigest> {
  for await (const algorithm of source.directories(path)) {
    for await (const hex of source.directories(`${path}/${algorithm}`)) {
      const digest = findDigest(`${algorithm}:${hex}`)
      if (digest === undefined || !isSupported(digest)) continue
      yield {
        digest,
        linkedAt: async () => {
          const link = await readLink(source, `${path}/${algorithm}/${hex}/link`)
          return link?.digest === digest ? link.changedAt : undefined
        },
      }
    }
  }
}

/** A tag as its storage has it; `digest` is undefined when its link cannot be read. */
export interface StoredTag {
  name: string
  tag: Tag | undefined
  digest?: Digest
  pushedAt?: Date
}

export async function* tagsOf(source: AdoptSource, repository: string): AsyncIterable<StoredTag> {
  const path = `${REPOSITORIES}/${repository}/_manifests/tags`
  for await (const name of source.directories(path)) {
    const link = await readLink(source, `${path}/${name}/current/link`)
    yield { name, tag: findTag(name), digest: link?.digest, pushedAt: link?.changedAt }
  }
}

async function readLink(source: AdoptSource, path: string): Promise<(FileFacts & { digest: Digest }) | undefined> {
  const file = await source.readSmall(path, MAX_LINK_BYTES)
  const digest = file && findDigest(file.bytes.toString('utf8').trim())
  return file && digest && { sizeBytes: file.sizeBytes, changedAt: file.changedAt, digest }
}
