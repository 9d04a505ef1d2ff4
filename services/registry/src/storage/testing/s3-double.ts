import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { S3Settings } from '@berth/runtime'
import type { Fault, FaultPlan, S3Operation } from './fault-plan.ts'
import { type Keys, signatureFault } from './s3-signature.ts'

const MIN_PART = 5 * 1024 * 1024

interface Stored {
  bytes: Buffer
  size: number
  etag: string
  at: Date
}

interface Begun {
  key: string
  parts: Map<number, Stored>
  at: Date
}

/** An S3 of one bucket in this process, as strict as a real one where we rely on it, and as bad as it is told to be. */
export interface S3Double {
  url: string
  settings: S3Settings
  objects: Map<string, Stored>
  begun: Map<string, Begun>
  /** What was asked for, in order. */
  asked: { operation: S3Operation; key: string; host: string }[]
  /** Who may ask; change it to take access away. */
  keys: Keys
  /** What goes wrong from now on. */
  faults: FaultPlan
  /** What it does not delete, whatever it says. */
  kept: Set<string>
  /** Bytes it takes at most. */
  room: number
  /** Remembers sizes alone and takes every byte for a zero, for tests that move a lot. */
  forgetful: boolean
  count(operation: S3Operation): number
  stop(): Promise<void>
}

interface Asked {
  req: IncomingMessage
  res: ServerResponse
  key: string
  query: URLSearchParams
  body: Buffer
  fault: Fault | undefined
}

class Refusal extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string) {
    super(code)
    this.status = status
    this.code = code
  }
}

export async function s3Double(over: Partial<S3Settings> = {}): Promise<S3Double> {
  const keys = { accessKey: 'test-access', secretKey: 'test-secret' }
  const server: Server = createServer((req, res) => void serve(req, res))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const settings: S3Settings = {
    endpoint: { host: '127.0.0.1', port, tls: false },
    bucket: 'blobs',
    prefix: '',
    region: 'us-east-1',
    credentials: { ...keys },
    pathStyle: true,
    redirect: false,
    ...over,
  }
  const double: S3Double = {
    url: `http://127.0.0.1:${port}`,
    settings,
    objects: new Map(),
    begun: new Map(),
    asked: [],
    keys,
    faults: () => undefined,
    kept: new Set(),
    room: Number.POSITIVE_INFINITY,
    forgetful: false,
    count: (operation) => double.asked.filter((one) => one.operation === operation).length,
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }

  async function serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    try {
      const { key, query } = placeOf(req)
      const operation = operationOf(req, key, query)
      const fault = double.faults(operation, key, double.count(operation))
      double.asked.push({ operation, key, host: req.headers.host ?? '' })
      if (fault?.kind === 'reset') {
        // In the middle of the body, if there is one.
        if (Number(req.headers['content-length'] ?? 0) > 0) await once(req, 'data')
        return void req.socket.destroy()
      }
      const body = await bodyOf(req)
      const wrong = signatureFault(req, double.keys, createHash('sha256').update(body).digest('hex'))
      if (wrong !== undefined) throw new Refusal(wrong === 'XAmzContentSHA256Mismatch' ? 400 : 403, wrong)
      if (fault?.kind === 'refuse') throw new Refusal(fault.status, fault.code)
      await answers[operation]({ req, res, key, query, body, fault })
    } catch (err) {
      if (err instanceof Refusal) return refuse(req, res, err)
      res.destroy(err as Error)
    }
  }

  /** Path style and, where the host begins with the bucket, virtual-host style. */
  function placeOf(req: IncomingMessage): { key: string; query: URLSearchParams } {
    const url = new URL(req.url ?? '/', 'http://s3')
    const path = decodeURIComponent(url.pathname)
    const start = req.headers.host?.startsWith(`${settings.bucket}.`) ? '/' : `/${settings.bucket}/`
    if (path !== start.slice(0, -1) && !path.startsWith(start)) throw new Refusal(404, 'NoSuchBucket')
    return { key: path.slice(start.length), query: url.searchParams }
  }

  function room(bytes: Buffer): Stored {
    let used = bytes.length
    for (const { size } of double.objects.values()) used += size
    for (const { parts } of double.begun.values()) for (const { size } of parts.values()) used += size
    if (used > double.room) throw new Refusal(507, 'XMinioStorageFull')
    const etag = createHash('md5').update(bytes).digest('hex')
    return { bytes: double.forgetful ? Buffer.alloc(0) : bytes, size: bytes.length, etag, at: new Date() }
  }

  function begunOf(query: URLSearchParams): Begun {
    const begun = double.begun.get(query.get('uploadId') ?? '')
    if (begun === undefined) throw new Refusal(404, 'NoSuchUpload')
    return begun
  }

  const answers: Record<S3Operation, (asked: Asked) => void | Promise<void>> = {
    put({ res, key, body, fault }) {
      const stored = room(body)
      double.objects.set(key, stored)
      done(res, fault, { etag: `"${stored.etag}"` })
    },
    async get({ req, res, key, fault }) {
      const stored = double.objects.get(key)
      if (stored === undefined) throw new Refusal(404, 'NoSuchKey')
      const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(req.headers.range ?? '') ?? []
      const start = Number(from ?? 0)
      const end = to ? Math.min(Number(to), stored.size - 1) : stored.size - 1
      if (from !== undefined && start >= stored.size) throw new Refusal(416, 'InvalidRange')
      const bytes = double.forgetful ? Buffer.alloc(end + 1 - start) : stored.bytes.subarray(start, end + 1)
      res.writeHead(from === undefined ? 200 : 206, {
        etag: `"${stored.etag}"`,
        'content-length': bytes.length,
        ...(from !== undefined && { 'content-range': `bytes ${start}-${end}/${stored.size}` }),
      })
      if (fault?.kind === 'lose-answer') return void res.destroy()
      if (fault?.kind === 'short-body') return void res.write(bytes.subarray(0, bytes.length / 2), () => res.destroy())
      if (fault?.kind === 'slow') for (const byte of bytes.subarray(0, 20)) await trickle(res, byte)
      res.end(fault?.kind === 'slow' ? bytes.subarray(20) : bytes)
    },
    head({ res, key }) {
      const stored = double.objects.get(key)
      if (stored === undefined) throw new Refusal(404, 'NoSuchKey')
      const headers = { etag: `"${stored.etag}"`, 'last-modified': stored.at.toUTCString() }
      res.writeHead(200, { ...headers, 'content-length': stored.size }).end()
    },
    delete({ res, key }) {
      double.objects.delete(key)
      res.writeHead(204).end()
    },
    'delete-many'({ res, body, fault }) {
      const names = [...body.toString().matchAll(/<Key>([^<]+)<\/Key>/g)].map(([, name = '']) => name)
      if (names.length > 1_000) throw new Refusal(400, 'MalformedXML')
      const gone = fault?.kind === 'only-say-deleted' ? [] : names.filter((name) => !double.kept.has(name))
      for (const name of gone) double.objects.delete(name)
      done(res, fault, {}, '<DeleteResult></DeleteResult>')
    },
    'begin-parts'({ res, key, fault }) {
      const id = randomUUID()
      double.begun.set(id, { key, parts: new Map(), at: new Date() })
      const result = `<Bucket>blobs</Bucket><Key>${key}</Key><UploadId>${id}</UploadId>`
      done(res, fault, {}, `<InitiateMultipartUploadResult>${result}</InitiateMultipartUploadResult>`)
    },
    'put-part'({ res, query, body, fault }) {
      const number = Number(query.get('partNumber'))
      if (!(number >= 1 && number <= 10_000)) throw new Refusal(400, 'InvalidArgument')
      const stored = room(body)
      begunOf(query).parts.set(number, stored)
      done(res, fault, { etag: `"${stored.etag}"` })
    },
    'complete-parts'({ res, key, query, body, fault }) {
      const begun = begunOf(query)
      const late = '<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>'
      if (fault?.kind === 'complete-fails-late') return done(res, undefined, {}, late)
      const named = [...body.toString().matchAll(/<PartNumber>(\d+)<\/PartNumber>\s*<ETag>"?([^<"]+)"?<\/ETag>/g)]
      const parts = named.map(([, number, etag]) => {
        const part = begun.parts.get(Number(number))
        if (part === undefined || part.etag !== etag) throw new Refusal(400, 'InvalidPart')
        return { number: Number(number), part }
      })
      if (parts.some(({ number }, i) => i > 0 && number <= (parts[i - 1]?.number ?? 0))) {
        throw new Refusal(400, 'InvalidPartOrder')
      }
      if (parts.slice(0, -1).some(({ part }) => part.size < MIN_PART)) throw new Refusal(400, 'EntityTooSmall')
      const bytes = Buffer.concat(parts.map(({ part }) => part.bytes))
      const size = parts.reduce((sum, { part }) => sum + part.size, 0)
      double.objects.set(key, { bytes, size, etag: `${randomUUID()}-${parts.length}`, at: new Date() })
      double.begun.delete(query.get('uploadId') ?? '')
      const result = `<Key>${key}</Key><ETag>"x-${parts.length}"</ETag>`
      done(res, fault, {}, `<CompleteMultipartUploadResult>${result}</CompleteMultipartUploadResult>`)
    },
    'abort-parts'({ res, query, fault }) {
      begunOf(query)
      double.begun.delete(query.get('uploadId') ?? '')
      if (fault?.kind === 'lose-answer') return void res.destroy()
      res.writeHead(204).end()
    },
    list({ res, query, fault }) {
      const [prefix, after] = [query.get('prefix') ?? '', query.get('start-after') ?? '']
      if (query.get('delimiter')) return done(res, fault, {}, listedDirectories(double.objects.keys(), query))
      const most = Math.min(1_000, Number(query.get('max-keys') ?? 1_000))
      const names = [...double.objects.keys()].filter((name) => name.startsWith(prefix) && name > after).sort()
      const contents = names.slice(0, most).map((name) => {
        const { size, etag, at } = double.objects.get(name) as Stored
        const facts = `<LastModified>${at.toISOString()}</LastModified><ETag>"${etag}"</ETag><Size>${size}</Size>`
        return `<Contents><Key>${encodeURIComponent(name)}</Key>${facts}</Contents>`
      })
      const more = `<IsTruncated>${names.length > most}</IsTruncated>`
      done(res, fault, {}, `<ListBucketResult>${more}${contents.join('')}</ListBucketResult>`)
    },
    'list-parts-begun'({ res, query, fault }) {
      // As Swift: an empty delimiter is one that is everywhere.
      if (query.get('delimiter') === '') return done(res, fault, {}, '<ListMultipartUploadsResult/>')
      const uploads = [...double.begun]
        .filter(([, { key }]) => key.startsWith(query.get('prefix') ?? ''))
        .map(([id, { key, at }]) => {
          const facts = `<UploadId>${id}</UploadId><Initiated>${at.toISOString()}</Initiated>`
          return `<Upload><Key>${key}</Key>${facts}</Upload>`
        })
      const result = `<IsTruncated>false</IsTruncated>${uploads.join('')}`
      done(res, fault, {}, `<ListMultipartUploadsResult>${result}</ListMultipartUploadsResult>`)
    },
  }
  return double
}

/** What stands right below the prefix and has something below itself, a few on each page. */
function listedDirectories(names: Iterable<string>, query: URLSearchParams): string {
  const prefix = query.get('prefix') ?? ''
  const [delimiter, token] = [query.get('delimiter') ?? '', query.get('continuation-token') ?? '']
  const below = [...names].filter((name) => name.startsWith(prefix) && name.includes(delimiter, prefix.length))
  const rolled = new Set(below.map((name) => name.slice(0, name.indexOf(delimiter, prefix.length) + 1)))
  const page = [...rolled].sort().filter((name) => name > token)
  const shown = page.slice(0, 3)
  const next = `<NextContinuationToken>${shown.at(-1)}</NextContinuationToken>`
  const more = `<IsTruncated>${page.length > 3}</IsTruncated>${page.length > 3 ? next : ''}`
  const prefixes = shown.map((name) => `<CommonPrefixes><Prefix>${encodeURIComponent(name)}</Prefix></CommonPrefixes>`)
  return `<ListBucketResult>${more}${prefixes.join('')}</ListBucketResult>`
}

function operationOf(req: IncomingMessage, key: string, query: URLSearchParams): S3Operation {
  const { method } = req
  if (method === 'POST' && query.has('delete')) return 'delete-many'
  if (method === 'POST') return query.has('uploads') ? 'begin-parts' : 'complete-parts'
  if (method === 'PUT') return query.has('uploadId') ? 'put-part' : 'put'
  if (method === 'DELETE') return query.has('uploadId') ? 'abort-parts' : 'delete'
  if (method === 'HEAD') return 'head'
  if (key === '') return query.has('uploads') ? 'list-parts-begun' : 'list'
  return 'get'
}

function done(res: ServerResponse, fault: Fault | undefined, headers: Record<string, string>, xml = ''): void {
  if (fault?.kind === 'lose-answer') return void res.destroy()
  res.writeHead(200, { ...headers, 'content-length': Buffer.byteLength(xml) }).end(xml)
}

function refuse(req: IncomingMessage, res: ServerResponse, { status, code }: Refusal): void {
  const xml = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`
  res.writeHead(status, { 'content-length': Buffer.byteLength(xml) }).end(req.method === 'HEAD' ? undefined : xml)
}

async function trickle(res: ServerResponse, byte: number): Promise<void> {
  res.write(Buffer.of(byte))
  await sleep(10)
}

async function bodyOf(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
