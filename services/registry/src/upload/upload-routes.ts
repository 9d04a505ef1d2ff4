import {
  DigestInvalid,
  formatUploadRange,
  isSupportedAlgorithm,
  parseSupportedDigest,
  parseUploadRange,
  type RepositoryName,
  type SessionId,
  type SupportedAlgorithm,
} from '@berth/oci'
import {
  announcedBytes,
  answerEmpty,
  type Door,
  grantOf,
  openBody,
  type RouteOf,
  SizeInvalid,
  type Visit,
} from '../http/index.ts'
import { ChunkTooShort } from '../storage/index.ts'
import type { Chunk, Uploads } from './upload-service.ts'
import type { SessionAddress } from './upload-store.ts'

/** What chunks before the last one should have at least. @see distribution-spec, "Pushing a blob in chunks" */
const MIN_LENGTH = 'oci-chunk-min-length'

type UploadDoors = Record<'GET' | 'PATCH' | 'PUT' | 'DELETE', Door<RouteOf<'upload'>>>

/** POST on `…/blobs/uploads/` without a mount: a session, or with `digest` the blob itself. */
export function startUpload(uploads: Uploads) {
  return async (visit: Visit, name: RepositoryName): Promise<void> => {
    const pusher = pusherOf(visit, name)
    const digest = visit.query.get('digest')
    if (digest !== null) {
      const parsed = parseSupportedDigest(digest)
      await uploads.put(pusher, parsed, { body: openBody(visit), announcedBytes: announcedBytes(visit.req) ?? 0 })
      return answerBlobCreated(visit, name, parsed)
    }
    const id = await uploads.start(pusher, algorithmOf(visit.query))
    const { minChunkBytes } = uploads
    const least = minChunkBytes === undefined ? {} : { [MIN_LENGTH]: String(minChunkBytes) }
    answerEmpty(visit, 202, { ...sessionHeaders(visit, name, id, 0), ...least })
  }
}

/** The doors of one session. */
export function uploadDoors(uploads: Uploads): UploadDoors {
  return {
    GET: {
      action: 'push',
      async handle(visit, { name, session }) {
        const size = await uploads.find(addressOf(visit, name, session))
        visit.res.writeHead(204, sessionHeaders(visit, name, session, size)).end()
      },
    },
    PATCH: {
      action: 'push',
      async handle(visit, { name, session }) {
        const size = await uploads.append(addressOf(visit, name, session), chunkOf(visit)).catch((err) => {
          if (err instanceof ChunkTooShort) visit.res.setHeader(MIN_LENGTH, String(err.minBytes))
          throw err
        })
        answerEmpty(visit, 202, sessionHeaders(visit, name, session, size))
      },
    },
    PUT: {
      action: 'push',
      async handle(visit, { name, session }) {
        const digest = parseSupportedDigest(visit.query.get('digest') ?? '')
        const isEmpty = announcedBytes(visit.req) === 0 && visit.req.headers['content-range'] === undefined
        await uploads.finish(addressOf(visit, name, session), digest, isEmpty ? undefined : chunkOf(visit))
        answerBlobCreated(visit, name, digest)
      },
    },
    DELETE: {
      action: 'push',
      async handle(visit, { name, session }) {
        await uploads.cancel(addressOf(visit, name, session))
        visit.res.writeHead(204).end()
      },
    },
  }
}

export function answerBlobCreated({ res, base }: Visit, name: RepositoryName, digest: string): void {
  res
    .writeHead(201, {
      location: `${base}/v2/${name}/blobs/${digest}`,
      'docker-content-digest': digest,
      'content-length': 0,
    })
    .end()
}

function pusherOf({ caller }: Visit, name: RepositoryName) {
  return { name, grant: grantOf(caller, name, 'push'), subject: caller.subject }
}

function addressOf(visit: Visit, name: RepositoryName, id: SessionId): SessionAddress {
  return { ...pusherOf(visit, name), id }
}

function sessionHeaders({ base }: Visit, name: RepositoryName, id: SessionId, size: number): Record<string, string> {
  return {
    location: `${base}/v2/${name}/blobs/uploads/${id}`,
    range: formatUploadRange(size),
    'docker-upload-uuid': id,
  }
}

/** @throws {RangeInvalid} a Content-Range that cannot be read @throws {SizeInvalid} one unlike the Content-Length */
function chunkOf(visit: Visit): Chunk {
  const { req } = visit
  const range = parseUploadRange(req.headers['content-range'])
  const announced = announcedBytes(req)
  if (range === undefined) return { body: openBody(visit), announcedBytes: announced ?? 0 }
  if (announced !== undefined && announced !== range.lengthBytes) {
    throw new SizeInvalid('Content-Length and Content-Range do not agree')
  }
  const { start: offset, lengthBytes: length } = range
  return { body: openBody(visit), announcedBytes: length, offset, length }
}

/** @throws {DigestInvalid} an algorithm we do not store */
function algorithmOf(query: URLSearchParams): SupportedAlgorithm {
  const asked = query.get('digest-algorithm') ?? 'sha256'
  if (!isSupportedAlgorithm(asked)) throw new DigestInvalid(asked, 'digest algorithm is not supported')
  return asked
}
