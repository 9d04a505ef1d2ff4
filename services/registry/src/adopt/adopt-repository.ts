import { type Database, statement } from '@berth/db'
import { DomainError } from '@berth/errors'
import {
  algorithmOf,
  type Digest,
  digestOf,
  MAX_MANIFEST_BYTES,
  type Manifest,
  parseManifest,
  type SupportedAlgorithm,
} from '@berth/oci'
import type { CommandFinding } from '@berth/types'
import { Stopped } from '../commands/command.ts'
import {
  adoptBlobs,
  adoptManifest,
  blobsNamedBy,
  markGone,
  NotAdoptable,
  type Place,
  requiredOf,
} from './adopt-manifest.ts'
import { adoptTags, releaseKnown } from './adopt-tags.ts'
import type { RepositoryOutcome } from './adoption-store.ts'
import { findBlobs } from './find-blob.ts'
import { inGroups, inParallel } from './in-parallel.ts'
import { dataPathOf, type LinkedDigest, layersOf, manifestsOf, tagsOf } from './layout.ts'
import { type AdoptSource, FileTooLarge } from './source.ts'
import type { BroughtTag, TagSource } from './tag-source.ts'

const GROUP = 200
const MAX_WHY = 300

const listPresent = statement<{ digest: string }>(
  'adopt-present-manifests',
  `SELECT m.digest FROM manifest m JOIN repository r ON r.id = m.repository_id
   WHERE r.name = $1 AND m.digest = ANY($2)`,
)
const listLinked = statement<{ digest: string }>(
  'adopt-linked-blobs',
  `SELECT b.digest FROM repository r JOIN repository_blob rb ON rb.repository_id = r.id JOIN blob b ON b.id = rb.blob_id
   WHERE r.name = $1 AND b.digest = ANY($2)`,
)

export interface RepositoryParts {
  database: Database
  source: AdoptSource
  /** Knows the tags when the storage does not. */
  tags?: TagSource
  verify: boolean
  /** It was taken over before. */
  recheck: boolean
  signal: AbortSignal
  onCount: (what: 'manifests' | 'tags' | 'blobs' | 'readBytes', by: number) => void
  onFindings: (findings: readonly CommandFinding[]) => Promise<void>
}

/**
 * Takes over one repository: manifests before the indexes that name them, then its tags, then what no manifest names.
 * Doing it again finds done what was done.
 *
 * @throws {Stopped} told to stop
 * @throws {NotAdoptable} its project takes nothing
 */
export async function adoptRepository(
  parts: RepositoryParts,
  sourceName: string,
  place: Place,
): Promise<RepositoryOutcome> {
  const manifests = await adoptManifests(parts, sourceName, place)
  const brought = await parts.tags?.tagsOf(sourceName)
  const tags = await bringTags(parts, place, brought ?? validTags(parts, sourceName))
  const untagged = await releaseKnown(parts.database, place, brought !== undefined)
  await adoptLooseBlobs(parts, sourceName, place)
  return { manifests, tags, untagged }
}

async function adoptManifests(parts: RepositoryParts, sourceName: string, place: Place): Promise<number> {
  const { database, source } = parts
  let adopted = 0
  let waiting: LinkedDigest[] = []
  const count = () => {
    adopted++
    parts.onCount('manifests', 1)
  }
  for await (const group of inGroups(manifestsOf(source, sourceName), GROUP)) {
    const here = await presentOf(database, listPresent, place, group)
    await inParallel(group, source.width, async (linked) => {
      if (here.has(linked.digest)) return count()
      const outcome = await adoptOne(parts, place, linked, undefined)
      if (outcome === 'adopted') count()
      if (outcome === 'waits') waiting.push(linked)
    })
  }
  // Indexes, those first that wait for nothing but manifests that are here.
  while (waiting.length > 0) {
    const round = waiting
    const pending = new Set(round.map(({ digest }) => digest))
    waiting = []
    await inParallel(round, source.width, async (linked) => {
      const outcome = await adoptOne(parts, place, linked, (digest) => pending.has(digest))
      if (outcome === 'adopted') count()
      if (outcome === 'waits') waiting.push(linked)
    })
    if (waiting.length === round.length) throw new Error('indexes that name each other cannot exist')
  }
  return adopted
}

/** `waits`: an index of the first round, or one that names another that has not come yet. */
async function adoptOne(
  parts: RepositoryParts,
  place: Place,
  { digest, linkedAt }: LinkedDigest,
  isPending: ((digest: Digest) => boolean) | undefined,
): Promise<'adopted' | 'waits' | 'skipped'> {
  if (parts.signal.aborted) throw new Stopped()
  const pushedAt = await linkedAt()
  if (pushedAt === undefined) return 'skipped'
  const skip = async (why: string) => {
    await parts.onFindings([finding('manifest', digest, why)])
    return 'skipped' as const
  }
  try {
    const { bytes, manifest } = await readManifest(parts.source, digest)
    if (manifest.kind === 'index') {
      if (isPending === undefined) return 'waits'
      if (manifest.children.some((child) => isPending(child.digest))) return 'waits'
    }
    const { found, trouble } = await namedBlobs(parts, manifest)
    const bad = requiredOf(manifest).find((blob) => trouble.has(blob.digest))
    if (bad !== undefined) return await skip(`blob ${bad.digest} is ${trouble.get(bad.digest)}`)
    const { gaps, inserted } = await adoptManifest(parts.database, place, { digest, bytes, manifest, pushedAt }, found)
    await lookAgain(parts, inserted)
    parts.onCount('blobs', found.length)
    if (gaps.length > 0)
      await parts.onFindings([finding('index', digest, `${gaps.length} of what it names is missing`)])
    return 'adopted'
  } catch (err) {
    if (err instanceof NotAdoptable || err instanceof DomainError || err instanceof FileTooLarge) {
      return await skip(err.message)
    }
    throw err
  }
}

/** @throws {NotAdoptable | DomainError} it is not there, or not what it should be */
async function readManifest(source: AdoptSource, digest: Digest): Promise<{ bytes: Buffer; manifest: Manifest }> {
  const file = await source.readSmall(dataPathOf(digest), MAX_MANIFEST_BYTES)
  if (file === undefined) throw new NotAdoptable('its bytes are missing')
  if (digestOf(file.bytes, algorithmOf(digest) as SupportedAlgorithm) !== digest) {
    throw new NotAdoptable('its bytes are not what its digest says')
  }
  return { bytes: file.bytes, manifest: parseManifest(file.bytes, undefined) }
}

function namedBlobs(parts: RepositoryParts, manifest: Manifest) {
  const wanted = [...new Set(blobsNamedBy(manifest).map(({ digest }) => digest))]
  return findBlobs({ ...parts, onRead: (bytes) => parts.onCount('readBytes', bytes) }, wanted)
}

/**
 * What an earlier adoption took over may have been collected as garbage between our look at its bytes and our row. From
 * now on the row keeps them.
 */
async function lookAgain({ database, source, recheck, onFindings }: RepositoryParts, inserted: readonly Digest[]) {
  if (!recheck) return
  const gone: Digest[] = []
  for (const digest of inserted) if ((await source.facts(dataPathOf(digest))) === undefined) gone.push(digest)
  if (gone.length === 0) return
  await markGone(database, gone)
  await onFindings(gone.map((digest) => finding('blob', digest, 'it was removed meanwhile')))
}

async function bringTags(parts: RepositoryParts, place: Place, tags: AsyncIterable<BroughtTag>): Promise<number> {
  let brought = 0
  for await (const group of inGroups(tags, GROUP)) {
    if (parts.signal.aborted) throw new Stopped()
    const { orphans, immutable } = await adoptTags(parts.database, place, group)
    await parts.onFindings([
      ...orphans.map(({ name, digest }) => finding('tag', name, `there is no manifest ${digest}`)),
      ...immutable.map(({ name, digest }) => finding('tag', name, `it is immutable here, and not moved to ${digest}`)),
    ])
    const set = group.length - orphans.length - immutable.length
    brought += set
    parts.onCount('tags', set)
  }
  return brought
}

async function* validTags({ source, onFindings }: RepositoryParts, sourceName: string): AsyncIterable<BroughtTag> {
  for await (const { name, tag, digest, pushedAt } of tagsOf(source, sourceName)) {
    if (tag === undefined) await onFindings([finding('tag', name, 'its name is not a tag')])
    else if (digest === undefined) await onFindings([finding('tag', name, 'it names nothing')])
    else yield { name: tag, digest, pushedAt }
  }
}

async function adoptLooseBlobs(parts: RepositoryParts, sourceName: string, place: Place): Promise<void> {
  const { database, source } = parts
  for await (const group of inGroups(layersOf(source, sourceName), GROUP)) {
    if (parts.signal.aborted) throw new Stopped()
    const here = await presentOf(database, listLinked, place, group)
    const loose: Digest[] = []
    await inParallel(
      group.filter(({ digest }) => !here.has(digest)),
      source.width,
      async ({ digest, linkedAt }) => {
        if ((await linkedAt()) !== undefined) loose.push(digest)
      },
    )
    const { found, trouble } = await findBlobs(
      { ...parts, onRead: (bytes) => parts.onCount('readBytes', bytes) },
      loose,
    )
    await parts.onFindings([...trouble].map(([digest, why]) => finding('blob', digest, why)))
    if (found.length > 0) await lookAgain(parts, (await adoptBlobs(database, place, found)).inserted)
    parts.onCount('blobs', found.length)
  }
}

async function presentOf(
  database: Database,
  list: typeof listPresent,
  place: Place,
  group: readonly LinkedDigest[],
): Promise<ReadonlySet<string>> {
  const rows = await database.run(list, [place.name, group.map(({ digest }) => digest)])
  return new Set(rows.map(({ digest }) => digest))
}

function finding(what: string, name: string, why: string): CommandFinding {
  return { what, name: name.slice(0, MAX_WHY), why: why.slice(0, MAX_WHY) }
}
