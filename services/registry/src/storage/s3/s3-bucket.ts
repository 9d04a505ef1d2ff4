import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { LookupFunction } from 'node:net'
import { Readable } from 'node:stream'
import type { ByteRange } from '@berth/oci'
import type { S3Endpoint, S3Settings } from '@berth/runtime'
import { Client, type ClientOptions } from 'minio'
import { z } from 'zod'
import { BytesMissing, BytesRemain, type StoredEntry } from '../storage.ts'
import { withRetries } from './retries.ts'
import { credentialsOf } from './s3-credentials.ts'
import { S3Failure } from './s3-failure.ts'
import { type S3Transport, s3Transport } from './s3-transport.ts'
import type { Part } from './upload-state.ts'

const URL_SECONDS = 20 * 60
const LIST_BOUND = 1_000
const REMOVE_BOUND = 1_000
const BEGUN_BOUND = 10_000
const LOOK_WIDTH = 16
const TYPE = 'application/octet-stream'
/** In none of our keys. The library always sends one, and Swift takes an empty one for a delimiter that is everywhere. */
const NO_DELIMITER = '|'
/** In front of the whole name of an object that another registry has written. */
const ADOPTED = 'adopted/'

/** Bytes in memory, in pieces; they may be sent more than once. */
export type Body = readonly Uint8Array[]

/** A multipart upload that was neither completed nor aborted. */
interface BegunUpload {
  key: string
  id: string
  begunAt: Date
}

/**
 * What we ask of an S3, about the keys below our prefix. Everything is tried again while it may help; what remains is
 * thrown as the port says it.
 */
export interface S3Bucket {
  put(key: string, body: Body): Promise<void>
  /** An answer whose body is exactly these bytes, or all `size` of them. @throws {BytesMissing} */
  open(key: string, size: number, range?: ByteRange): Promise<IncomingMessage>
  /** Bytes of an object. @throws {BytesMissing} */
  size(key: string): Promise<number>
  /** Removes objects and looks whether they are gone. */
  remove(keys: readonly string[]): Promise<void>
  beginParts(key: string): Promise<string>
  /** Answers the etag. @throws {BytesMissing} the upload is not there any more */
  putPart(key: string, id: string, number: number, body: Body): Promise<string>
  /** @throws {BytesMissing} the upload, or one of the parts, is not there and neither is the whole of `size` bytes */
  completeParts(key: string, id: string, parts: readonly Part[], size: number): Promise<void>
  abortParts(key: string, id: string): Promise<void>
  list(prefix: string, after: string, limit: number): Promise<StoredEntry[]>
  /** Names of what stands right below `prefix` and has something below itself. */
  directories(prefix: string): AsyncIterable<string>
  listBegun(prefix: string): Promise<BegunUpload[]>
  urlOf(key: string): Promise<string>
  /** Without trying again. */
  probe(key: string): Promise<void>
}

export function s3Bucket(settings: S3Settings, options: { env: NodeJS.ProcessEnv; lookup?: LookupFunction }): S3Bucket {
  const { bucket, prefix, endpoint } = settings
  // The library declares its classes twice, once for each kind of module.
  const credentialsProvider = credentialsOf(settings, options.env) as unknown as ClientOptions['credentialsProvider']
  const transport = s3Transport({ tls: endpoint.tls, caFile: settings.caFile, lookup: options.lookup })
  const clientOf = (at: S3Endpoint, via?: S3Transport) =>
    new Client({
      endPoint: at.host,
      port: at.port,
      useSSL: at.tls,
      region: settings.region,
      pathStyle: settings.pathStyle,
      credentialsProvider,
      retryOptions: { disableRetry: true },
      ...(via && { transport: via, transportAgent: via.agent }),
    })
  const client = clientOf(endpoint, transport)
  const clientForOthers = settings.externalEndpoint === undefined ? client : clientOf(settings.externalEndpoint)
  // What was taken over stands where it stood, below our prefix or not.
  const full = (key: string) => (key.startsWith(ADOPTED) ? key.slice(ADOPTED.length) : prefix + key)
  const keyOf = (name: string, start: string) =>
    start.startsWith(ADOPTED) ? ADOPTED + name : name.slice(prefix.length)

  async function send(key: string, query: string, body: Body): Promise<IncomingMessage> {
    const length = body.reduce((sum, piece) => sum + piece.length, 0)
    const headers = { 'content-length': String(length), 'content-type': TYPE }
    const request = { method: 'PUT', bucketName: bucket, objectName: full(key), query, headers }
    // The library asks for a stream or a Buffer; one stream for each attempt.
    const stream = length === 0 ? Buffer.alloc(0) : Readable.from(body, { objectMode: false })
    const answered = await client.makeRequestStreamAsync(request, stream, endpoint.tls ? '' : sha256(body), [200], '')
    await drained(answered)
    return answered
  }

  async function put(key: string, body: Body): Promise<void> {
    await send(key, '', body)
  }

  async function open(key: string, size: number, range?: ByteRange): Promise<IncomingMessage> {
    const [start, length] = range === undefined ? [0, 0] : [range.start, range.lengthBytes]
    const answered = (await client.getPartialObject(bucket, full(key), start, length)) as IncomingMessage
    const expected = range?.lengthBytes ?? size
    const isWhole = answered.statusCode === 200 && range === undefined
    const isPart = answered.statusCode === 206 && answered.headers['content-range']?.startsWith(`bytes ${start}-`)
    if (Number(answered.headers['content-length']) === expected && (isWhole || isPart)) return answered
    answered.destroy()
    throw new BytesMissing('an object does not hold as many bytes as it should')
  }

  async function size(key: string): Promise<number> {
    return (await client.statObject(bucket, full(key))).size
  }

  /** Those that are still there. */
  async function remaining(keys: readonly string[]): Promise<string[]> {
    const left: string[] = []
    for (let at = 0; at < keys.length; at += LOOK_WIDTH) {
      const look = async (key: string) => {
        const found = await withRetries(() => size(key)).catch((err) => {
          if (err instanceof BytesMissing) return undefined
          throw err
        })
        if (found !== undefined) left.push(key)
      }
      await Promise.all(keys.slice(at, at + LOOK_WIDTH).map(look))
    }
    return left
  }

  /** Some say "deleted" and do not; some name what they could not delete in an answer that is a success. */
  async function removeSome(keys: readonly string[]): Promise<void> {
    const answered = await client.removeObjects(bucket, keys.map(full))
    const refused = Refusals.parse(answered).find(({ Code }) => Code !== 'NoSuchKey')
    const left = await remaining(keys)
    if (left.length > 0) throw new NotDeleted(left, refused?.Code ?? 'DeletedObjectIsThere')
  }

  const listBegunPage = (start: string, marker: string) =>
    client.listIncompleteUploadsQuery(bucket, full(start), marker, '', NO_DELIMITER)

  async function listPage(start: string, after: string, bound: number): Promise<StoredEntry[]> {
    const startAfter = after === '' ? '' : full(after)
    const { objects } = await client.listObjectsV2Query(bucket, full(start), '', '', bound, startAfter)
    return objects.flatMap(({ name, size, lastModified }) =>
      name === undefined || lastModified === undefined
        ? []
        : [{ name: keyOf(String(name), start), size: Number(size), modifiedAt: lastModified }],
    )
  }

  return {
    put: (key, body) => withRetries(() => put(key, body)),
    open: (key, size, range) => withRetries(() => open(key, size, range)),
    size: (key) => withRetries(() => size(key)),
    async remove(keys) {
      const remain: string[] = []
      let cause: unknown
      for (let at = 0; at < keys.length; at += REMOVE_BOUND) {
        await withRetries(() => removeSome(keys.slice(at, at + REMOVE_BOUND))).catch((err) => {
          if (!(err?.cause instanceof NotDeleted)) throw err
          remain.push(...err.cause.keys)
          cause = err.cause
        })
      }
      if (remain.length > 0) throw new BytesRemain(remain, cause)
    },
    beginParts: (key) =>
      withRetries(() => client.initiateNewMultipartUpload(bucket, full(key), { 'content-type': TYPE })),
    putPart: (key, id, number, body) =>
      withRetries(async () => {
        const query = `partNumber=${number}&uploadId=${encodeURIComponent(id)}`
        const etag = (await send(key, query, body)).headers.etag?.replaceAll('"', '')
        if (etag === undefined || etag === '') throw new S3Failure(500, 'NoETag')
        return etag
      }),
    async completeParts(key, id, parts, whole) {
      const etags = parts.map(({ number, etag }) => ({ part: number, etag }))
      try {
        await withRetries(() => client.completeMultipartUpload(bucket, full(key), id, etags))
      } catch (err) {
        // An attempt before this one may have completed it, and its answer got lost.
        const found = await withRetries(() => size(key)).catch(() => undefined)
        if (found !== whole) throw err
      }
    },
    abortParts: (key, id) =>
      withRetries(() => client.abortMultipartUpload(bucket, full(key), encodeURIComponent(id))).catch((err) => {
        if (!(err instanceof BytesMissing)) throw err
      }),
    async list(start, after, limit) {
      const found: StoredEntry[] = []
      while (found.length < limit) {
        const bound = Math.min(LIST_BOUND, limit - found.length)
        const page = await withRetries(() => listPage(start, found.at(-1)?.name ?? after, bound))
        found.push(...page)
        if (page.length < bound) break
      }
      return found
    },
    async *directories(start) {
      const top = full(start)
      for (let token: string | undefined = ''; token !== undefined; ) {
        const from: string = token
        const page = await withRetries(() => client.listObjectsV2Query(bucket, top, from, '/', LIST_BOUND, ''))
        for (const found of page.objects) {
          if ('prefix' in found && found.prefix) yield String(found.prefix).slice(top.length, -1)
        }
        token = page.isTruncated ? page.nextContinuationToken : undefined
      }
    },
    async listBegun(start) {
      const begun: BegunUpload[] = []
      let marker = ''
      do {
        const page = await withRetries(() => listBegunPage(start, marker))
        for (const { key, uploadId, initiated } of page.uploads) {
          begun.push({ key: String(key).slice(prefix.length), id: String(uploadId), begunAt: initiated })
        }
        marker = page.isTruncated ? page.nextKeyMarker : ''
      } while (marker !== '' && begun.length < BEGUN_BOUND)
      return begun
    },
    urlOf: (key) => clientForOthers.presignedUrl('GET', bucket, full(key), URL_SECONDS),
    async probe(key) {
      const text = Buffer.from('probe')
      await put(key, [text])
      const answered = await open(key, text.length)
      await drained(answered)
      await client.removeObject(bucket, full(key))
    },
  }
}

/** The S3 has said that they are gone, or why they are not. */
class NotDeleted extends S3Failure {
  readonly keys: readonly string[]

  constructor(keys: readonly string[], code: string) {
    super(500, code)
    this.keys = keys
  }
}

const Refusals = z.array(z.object({ Code: z.coerce.string().default(''), Key: z.unknown() }))

function sha256(body: Body): string {
  const hash = createHash('sha256')
  for (const piece of body) hash.update(piece)
  return hash.digest('hex')
}

async function drained(answered: IncomingMessage): Promise<void> {
  for await (const _chunk of answered);
}
