import type { RepositoryName } from '@berth/oci'
import {
  type Digest,
  findRepositoryName,
  formatContentRange,
  parseRange,
  parseSupportedDigest,
  requireSupported,
} from '@berth/oci'
import {
  answerEmpty,
  clientAddressOf,
  type Door,
  grantOf,
  isKnownToClient,
  type RouteOf,
  type Visit,
} from '../http/index.ts'
import { admit, admitChange, admitPush, type ProjectStore, requireRoom, type WithProject } from '../project/index.ts'
import { BytesMissing, type Storage, type StorageKey } from '../storage/index.ts'
import { answerBlobCreated } from '../upload/index.ts'
import { BlobReferenced, BlobUnknown } from './blob-errors.ts'
import type { BlobRow, BlobStore } from './blob-store.ts'

export interface BlobParts {
  blobs: BlobStore
  projects: Pick<ProjectStore, 'ensureRepository'>
  withProject: WithProject
  storage: Storage
  /** The bytes of a blob were not where its row says they are. */
  onMissing: (blob: { id: number; digest: Digest; storage_key: StorageKey; size: number }) => void
}

type BlobDoors = Record<'GET' | 'HEAD' | 'DELETE', Door<RouteOf<'blob'>>>

export function blobDoors(parts: BlobParts): BlobDoors {
  const { blobs, withProject } = parts

  async function find(visit: Visit, name: RepositoryName, digest: Digest): Promise<BlobRow> {
    const grant = grantOf(visit.caller, name, 'pull')
    const row = await withProject(name, async () => admit(await blobs.find(name, digest), grant))
    if (row.blob_id === null) throw unknown(digest)
    if (row.corrupt) {
      // Whoever may push is told to: that heals it.
      if (visit.req.method === 'HEAD' && visit.caller.findGrant(name, 'push') !== undefined)
        throw new BlobUnknown(digest)
      throw new Error('the bytes of a blob are corrupt')
    }
    return row
  }

  return {
    GET: {
      action: 'pull',
      async handle(visit, { name, digest }) {
        const row = await find(visit, name, digest)
        try {
          await sendBlob(visit, parts.storage, row, digest)
        } catch (err) {
          if (!(err instanceof BytesMissing)) throw err
          // Collected meanwhile, or healed; else they are lost.
          const now = await find(visit, name, digest)
          if (now.storage_key !== row.storage_key) return sendBlob(visit, parts.storage, now, digest)
          parts.onMissing({ id: row.blob_id as number, digest, storage_key: row.storage_key, size: row.size })
          throw new Error('the bytes of a blob are not in the storage', { cause: err })
        }
      },
    },
    HEAD: {
      action: 'pull',
      async handle(visit, { name, digest }) {
        const row = await find(visit, name, digest)
        // Whoever may push will leave the upload out because of this answer.
        const willCount = row.stale && visit.caller.findGrant(name, 'push') !== undefined
        if (willCount && !(await blobs.touch(row.blob_id as number))) throw new BlobUnknown(digest)
        const headers = blobHeaders(digest)
        if (isKnownToClient(visit.req, headers.etag)) return void visit.res.writeHead(304, headers).end()
        visit.res.writeHead(200, { ...headers, 'content-length': row.size }).end()
      },
    },
    DELETE: {
      action: 'delete',
      async handle({ caller, res }, { name, digest }) {
        const grant = grantOf(caller, name, 'delete')
        const outcome = await withProject(name, () =>
          blobs.unlink(name, digest, (facts) => void admitChange(facts, grant)),
        )
        if (outcome === 'unknown') throw unknown(digest)
        if (outcome === 'referenced') throw new BlobReferenced(digest)
        res.writeHead(202, { 'content-length': 0, 'docker-content-digest': digest }).end()
      },
    },
  }
}

/** Of an algorithm we do not store nothing can ever be here. */
function unknown(digest: Digest): Error {
  return new BlobUnknown(requireSupported(digest))
}

/** What a mount asks for, as far as it can be read. */
export function mountOf(query: URLSearchParams): { digest: string; from: RepositoryName } | undefined {
  const digest = query.get('mount')
  const from = findRepositoryName(query.get('from') ?? '')
  if (digest === null || from === undefined || !from.includes('/')) return undefined
  return { digest, from }
}

/**
 * Lets a repository see a blob of another one. Whether that one has no such blob, is not there or must not be seen by
 * the caller: false, and the client is given an upload session.
 */
export function mountBlob({ blobs, projects, withProject }: BlobParts) {
  return async (visit: Visit, name: RepositoryName): Promise<boolean> => {
    const asked = visit.query.get('mount')
    if (asked === null) return false
    const digest = parseSupportedDigest(asked)
    const mount = mountOf(visit.query)
    if (mount === undefined) return false
    const target = { name, grant: grantOf(visit.caller, name, 'push') }
    const from = { name: mount.from, grant: visit.caller.findGrant(mount.from, 'pull') }
    const tryMount = () =>
      withProject(name, async () => admitPush(await blobs.mount(target, digest, from), target.grant))
    let row = await tryMount()
    if (row.repository_id === null) {
      await projects.ensureRepository(row.project_id, name)
      row = await tryMount()
    }
    if (row.too_large !== null) requireRoom(row, row.too_large)
    if (row.blob_id === null) return false
    answerBlobCreated(visit, name, digest)
    return true
  }
}

/** @throws {BytesMissing} before anything is answered */
async function sendBlob(visit: Visit, storage: Storage, row: BlobRow, digest: Digest): Promise<void> {
  const { req, res } = visit
  const headers = blobHeaders(digest)
  if (isKnownToClient(req, headers.etag)) return void res.writeHead(304, headers).end()
  // Before the client is sent away: an S3 may answer a range that cannot be with the whole blob.
  const range = ifRangeHolds(req.headers['if-range'], headers.etag)
    ? parseRange(req.headers.range, row.size)
    : undefined
  const url = row.stream ? undefined : await storage.urlOf(row.storage_key, clientAddressOf(req))
  // A HEAD never gets here: what it asks for is in the tables.
  if (url !== undefined) return answerEmpty(visit, 307, { location: url, ...digestHeader(digest), ...NOT_KEPT })
  const stored = await storage.read(row.storage_key, row.size, range)
  if (range === undefined) res.writeHead(200, { ...headers, 'content-length': row.size })
  else {
    const contentRange = formatContentRange(range, row.size)
    res.writeHead(206, { ...headers, 'content-length': range.lengthBytes, 'content-range': contentRange })
  }
  await stored.sendTo(res)
  res.end()
}

/** What was changed since must be sent whole; ours never changes, but the client may mean something else. */
function ifRangeHolds(header: string | string[] | undefined, etag: string): boolean {
  return header === undefined || header === etag
}

/** The URL holds for minutes only. */
const NOT_KEPT = { 'cache-control': 'no-store' }

function digestHeader(digest: Digest) {
  return { 'docker-content-digest': digest }
}

function blobHeaders(digest: Digest) {
  return {
    ...digestHeader(digest),
    etag: `"${digest}"`,
    'content-type': 'application/octet-stream',
    'accept-ranges': 'bytes',
    'cache-control': 'private, max-age=31536000',
  }
}
