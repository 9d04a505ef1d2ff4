import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import type { Content } from './content.ts'
import { expectHeader, expectStatus, locationOf } from './expect.ts'
import type { Subject } from './report.ts'
import type { Reply, Wire } from './wire.ts'

const OCTETS = { 'content-type': 'application/octet-stream' }
/** The bytes are sent in as many pieces. */
const CHUNKS = 3

/** Sends `bytes` under the name `digest` and returns the answer that ends it; what comes before must go well. */
export type PushForm = (wire: Wire, repository: string, digest: string, bytes: Buffer) => Promise<Reply>

const uploadsOf = (repository: string): string => `/v2/${repository}/blobs/uploads/`

/** Opens a session as the specification says: 202, a Location, no body. `query` may name the algorithm. */
export async function openSession(wire: Wire, repository: string, query = ''): Promise<URL> {
  const reply = await wire.send('POST', `${uploadsOf(repository)}${query}`)
  expectStatus(reply, 202)
  return locationOf(reply)
}

const withDigest = (session: URL, digest: string): URL => {
  const url = new URL(session)
  url.searchParams.set('digest', digest)
  return url
}

const finish = (wire: Wire, session: URL, digest: string, body?: Buffer): Promise<Reply> =>
  wire.send('PUT', withDigest(session, digest), { headers: OCTETS, body })

async function patch(wire: Wire, session: URL, bytes: Buffer, start: number, end: number): Promise<URL> {
  const headers = { ...OCTETS, 'content-range': `${start}-${end - 1}` }
  const reply = await wire.send('PATCH', session, { headers, body: bytes.subarray(start, end) })
  expectStatus(reply, 202)
  expectHeader(reply, 'range', `0-${end - 1}`)
  return locationOf(reply)
}

/** A piece that leaves a gap is refused with 416, and the session says where it is. */
async function outOfOrder(wire: Wire, session: URL, bytes: Buffer, at: number, digest?: string): Promise<URL> {
  const start = at + 7 < bytes.length ? at + 7 : 0
  const headers = { ...OCTETS, 'content-range': `${start}-${bytes.length - 1}` }
  const target = digest === undefined ? session : withDigest(session, digest)
  const refused = await wire.send(digest === undefined ? 'PATCH' : 'PUT', target, {
    headers,
    body: bytes.subarray(start),
  })
  expectStatus(refused, 416)
  return sessionAt(wire, session, at)
}

/** The session is alive and holds `offset` bytes; returns where it goes on. */
export async function sessionAt(wire: Wire, session: URL, offset: number): Promise<URL> {
  const reply = await wire.send('GET', session)
  expectStatus(reply, 204)
  expectHeader(reply, 'range', `0-${Math.max(0, offset - 1)}`)
  return locationOf(reply)
}

function chunked(lastInPut: boolean, disorder: boolean, query = ''): PushForm {
  return async (wire, repository, digest, bytes) => {
    const size = Math.ceil(bytes.length / CHUNKS)
    let session = await openSession(wire, repository, query)
    for (let at = 0; at < bytes.length; at += size) {
      const last = at + size >= bytes.length
      if (disorder) session = await outOfOrder(wire, session, bytes, at, last && lastInPut ? digest : undefined)
      if (last && lastInPut) {
        const headers = { ...OCTETS, 'content-range': `${at}-${bytes.length - 1}` }
        return wire.send('PUT', withDigest(session, digest), { headers, body: bytes.subarray(at) })
      }
      session = await patch(wire, session, bytes, at, Math.min(bytes.length, at + size))
    }
    return finish(wire, session, digest)
  }
}

/** Every way a blob may be pushed, by what it is called and what it proves. */
export const PUSH_FORMS: readonly { name: string; subject: Subject; push: PushForm }[] = [
  {
    name: 'POST alone',
    subject: 'blob post alone',
    push: (wire, repository, digest, bytes) =>
      wire.send('POST', `${uploadsOf(repository)}?digest=${encodeURIComponent(digest)}`, {
        headers: OCTETS,
        body: bytes,
      }),
  },
  {
    name: 'POST and PUT',
    subject: 'blob post and put',
    push: async (wire, repository, digest, bytes) => finish(wire, await openSession(wire, repository), digest, bytes),
  },
  {
    name: 'one chunk',
    subject: 'blob chunks',
    push: async (wire, repository, digest, bytes) => {
      const session = await openSession(wire, repository)
      return finish(wire, await patch(wire, session, bytes, 0, bytes.length), digest)
    },
  },
  { name: 'three chunks', subject: 'blob chunks', push: chunked(false, false) },
  { name: 'three chunks, the last in the PUT', subject: 'blob chunks', push: chunked(true, false) },
  { name: 'chunks out of order', subject: 'blob chunks', push: chunked(false, true) },
  { name: 'chunks out of order, the last in the PUT', subject: 'blob chunks', push: chunked(true, true) },
  { name: 'a stream without a length', subject: 'blob stream', push: streamed },
]

/** The session is told its algorithm. @see distribution-spec main, `digest-algorithm` */
export const pushWithAlgorithm = (algorithm: string): PushForm =>
  chunked(false, false, `?digest-algorithm=${algorithm}`)

async function streamed(wire: Wire, repository: string, digest: string, bytes: Buffer): Promise<Reply> {
  const body = (): Readable => Readable.from([bytes], { objectMode: false })
  const reply = await wire.send('PATCH', await openSession(wire, repository), { headers: OCTETS, body })
  expectStatus(reply, 202)
  expectHeader(reply, 'range', `0-${bytes.length - 1}`)
  return finish(wire, locationOf(reply), digest)
}

/** A push that must go well: 201, the digest as it was asked for, a Location that can be pulled. */
export async function pushed(wire: Wire, repository: string, content: Content, push: PushForm): Promise<void> {
  const reply = await push(wire, repository, content.digest, content.bytes)
  expectStatus(reply, 201)
  expectHeader(reply, 'docker-content-digest', content.digest)
  const back = await wire.send('GET', locationOf(reply))
  expectStatus(back, 200)
  assert.ok(back.body.equals(content.bytes), 'the Location leads to other bytes')
}
