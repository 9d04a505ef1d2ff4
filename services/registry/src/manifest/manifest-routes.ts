import type { Database } from '@berth/db'
import {
  algorithmOf,
  type Digest,
  DigestInvalid,
  digestOf,
  MAX_MANIFEST_BYTES,
  ManifestInvalid,
  ManifestTooLarge,
  ManifestUnknown,
  parseManifest,
  parseTag,
  type Reference,
  type RepositoryName,
  referrerType,
  requireSupported,
  type SupportedAlgorithm,
  type Tag,
} from '@berth/oci'
import { currentContext } from '@berth/runtime'
import {
  answerBytes,
  answerEmpty,
  type Door,
  grantOf,
  isKnownToClient,
  type RouteOf,
  readBody,
  type Visit,
} from '../http/index.ts'
import { requirePullable } from '../policy/index.ts'
import { admit, admitChange, admitPush, type ChangeFacts, type WithProject } from '../project/index.ts'
import type { PullRecorder } from '../pull/index.ts'
import { deleteManifest } from './delete-manifest.ts'
import { deleteTagOnly } from './delete-tag.ts'
import { TooManyTags } from './manifest-errors.ts'
import type { ManifestStore } from './manifest-store.ts'
import { putManifest } from './put-manifest.ts'

/** The specification asks for ten at least; each is a row to lock. */
const MAX_TAGS = 32

export interface ManifestParts {
  database: Database
  manifests: ManifestStore
  withProject: WithProject
  pulls: Pick<PullRecorder, 'note'>
  /** There is something in the outbox. */
  onChange: (repository: RepositoryName) => void
}

type ManifestDoors = Record<'GET' | 'HEAD' | 'PUT' | 'DELETE', Door<RouteOf<'manifest'>>>

export function manifestDoors(parts: ManifestParts): ManifestDoors {
  const read: Door<RouteOf<'manifest'>> = {
    action: 'pull',
    handle: (visit, { name, reference }) => sendManifest(parts, visit, name, reference),
  }
  return {
    GET: read,
    HEAD: read,
    PUT: { action: 'push', handle: (visit, { name, reference }) => receiveManifest(parts, visit, name, reference) },
    DELETE: { action: 'delete', handle: (visit, { name, reference }) => remove(parts, visit, name, reference) },
  }
}

async function sendManifest(
  { manifests, pulls, withProject }: ManifestParts,
  visit: Visit,
  name: RepositoryName,
  reference: Reference,
): Promise<void> {
  const grant = grantOf(visit.caller, name, 'pull')
  const row = await withProject(name, async () => admit(await manifests.find(name, reference), grant))
  if (row.manifest_id === null) throw unknown(reference)
  if (row.pull !== undefined) requirePullable(row.pull)
  if (row.corrupt) {
    // Whoever may push is told to: that heals it.
    if (visit.req.method === 'HEAD' && visit.caller.findGrant(name, 'push') !== undefined) throw unknown(reference)
    throw new Error('the manifest or a blob it names is corrupt')
  }
  const headers = {
    'content-type': row.media_type,
    'docker-content-digest': row.digest,
    etag: `"${row.digest}"`,
  }
  if (isKnownToClient(visit.req, headers.etag)) return void visit.res.writeHead(304, headers).end()
  if (visit.req.method === 'HEAD') {
    return void visit.res.writeHead(200, { ...headers, 'content-length': row.size }).end()
  }
  const bytes = await manifests.readContent(row.digest)
  // Deleted, by the last who had it, between the two looks.
  if (bytes === undefined) throw unknown(reference)
  answerBytes(visit, 200, bytes, headers)
  pulls.note({
    projectId: row.project_id,
    repositoryId: row.repository_id ?? 0,
    repository: name,
    manifestId: row.manifest_id,
    digest: row.digest,
    mediaType: row.media_type,
    tag: reference.kind === 'tag' ? reference.tag : undefined,
    actor: visit.caller.name,
    address: currentContext()?.address,
  })
}

async function receiveManifest(
  { database, withProject, onChange }: ManifestParts,
  visit: Visit,
  name: RepositoryName,
  reference: Reference,
): Promise<void> {
  const grant = grantOf(visit.caller, name, 'push')
  if (reference.kind === 'digest') requireSupported(reference.digest)
  const bytes = await readBody(visit, MAX_MANIFEST_BYTES, () => new ManifestTooLarge(MAX_MANIFEST_BYTES))
  const digest = digestFor(bytes, reference)
  const manifest = parseManifest(bytes, visit.req.headers['content-type'])
  // Postgres keeps no text with a NUL in it; no media type has one.
  if (referrerType(manifest)?.includes('\0')) throw new ManifestInvalid('its artifact type must be a media type')
  const tags = tagsFor(reference, visit.query)
  const pushed = { name, digest, bytes, manifest, tags, actor: visit.caller.name }
  await withProject(name, () => putManifest(database, pushed, (facts) => admitPush(facts, grant)))
  onChange(name)
  answerEmpty(visit, 201, {
    location: `${visit.base}/v2/${name}/manifests/${digest}`,
    'docker-content-digest': digest,
    ...(manifest.subject && { 'oci-subject': manifest.subject.digest }),
    ...(reference.kind === 'digest' && tags.length > 0 && { 'oci-tag': [...tags] }),
  })
}

async function remove(
  { database, withProject, onChange }: ManifestParts,
  visit: Visit,
  name: RepositoryName,
  reference: Reference,
): Promise<void> {
  const grant = grantOf(visit.caller, name, 'delete')
  const deletion = {
    name,
    actor: visit.caller.name,
    admit: <F extends ChangeFacts>(facts: F | undefined) => admitChange(facts, grant),
  }
  const isGone = await withProject(name, () =>
    reference.kind === 'tag'
      ? deleteTagOnly(database, reference.tag, deletion)
      : deleteManifest(database, reference.digest, deletion),
  )
  if (!isGone) throw unknown(reference)
  onChange(name)
  answerEmpty(visit, 202)
}

/**
 * The tags a push sets: that of its path or, when it names a digest, those of its `tag` parameters.
 *
 * @throws {TagInvalid} one is outside the grammar
 * @throws {TooManyTags} more than a push may set
 * @see distribution-spec, "Pushing manifests with tags"
 */
function tagsFor(reference: Reference, query: URLSearchParams): readonly Tag[] {
  if (reference.kind === 'tag') return [reference.tag]
  const tags = [...new Set(query.getAll('tag'))].map(parseTag)
  if (tags.length > MAX_TAGS) throw new TooManyTags(MAX_TAGS)
  return tags
}

/** @throws {DigestInvalid} the bytes are not what the URL says */
function digestFor(bytes: Uint8Array, reference: Reference): Digest {
  if (reference.kind === 'tag') return digestOf(bytes)
  const found = digestOf(bytes, algorithmOf(reference.digest) as SupportedAlgorithm)
  if (found === reference.digest) return found
  throw new DigestInvalid(reference.digest, 'provided digest did not match uploaded content')
}

function unknown(reference: Reference): ManifestUnknown {
  const detail = reference.kind === 'tag' ? { tag: reference.tag } : { digest: reference.digest }
  return new ManifestUnknown('manifest unknown', { detail })
}
