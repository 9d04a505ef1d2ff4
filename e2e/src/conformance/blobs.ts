import assert from 'node:assert/strict'
import { openSession, PUSH_FORMS, pushed, pushWithAlgorithm, sessionAt } from './blob-forms.ts'
import { type Algorithm, type Content, contentOf, freshContent } from './content.ts'
import { expectContent, expectError, expectHeader, expectStatus, locationOf } from './expect.ts'
import type { Report } from './report.ts'
import type { Wire } from './wire.ts'

export interface Place {
  wire: Wire
  report: Report
  repository: string
  /** A second repository the same person may read and write. */
  other: string
  /** `stable` is 1.1; `dev` adds what is on the main branch. */
  profile: 'stable' | 'dev'
}

const PLAIN = PUSH_FORMS[1]
const blobUrl = (repository: string, digest: string): string => `/v2/${repository}/blobs/${digest}`

/** All of the blob API for one algorithm. @see distribution-spec, endpoints 2, 4 to 6, 10, 11, 13 and 14 */
export async function checkBlobs(place: Place, algorithm: Algorithm): Promise<void> {
  const { wire, report, repository, profile } = place
  const call = (name: string): string => `${algorithm}: ${name}`
  await report.check('blob get', call('one that was never pushed'), async () => {
    const url = blobUrl(repository, freshContent(8, algorithm).digest)
    expectError(await wire.send('GET', url), 404, 'BLOB_UNKNOWN')
  })
  for (const { name, subject, push } of PUSH_FORMS) {
    const content = freshContent(3067, algorithm)
    if (await report.check(subject, call(name), () => pushed(wire, repository, content, push))) {
      await checkLife(place, repository, content, call(name))
    }
    const torn = Buffer.concat([freshContent(3067, algorithm).bytes, Buffer.from('more')])
    const { digest } = contentOf(torn.subarray(0, 3067), algorithm)
    await report.check(subject, call(`${name}, other bytes than the digest says`), async () => {
      expectError(await push(wire, repository, digest, torn), 400, 'DIGEST_INVALID')
      expectStatus(await wire.send('HEAD', blobUrl(repository, digest)), 404)
    })
  }
  for (const [name, bytes] of [
    ['the empty blob', Buffer.alloc(0)],
    ['the empty JSON object', Buffer.from('{}')],
  ] as const) {
    const content = contentOf(bytes, algorithm)
    if (await report.check('blob post and put', call(name), () => pushPlain(place, repository, content))) {
      await checkLife(place, repository, content, call(name))
    }
  }
  if (profile === 'dev') {
    const content = freshContent(3067, algorithm)
    const push = pushWithAlgorithm(algorithm)
    if (
      await report.check('blob chunks', call('a session told its algorithm'), () =>
        pushed(wire, repository, content, push),
      )
    ) {
      await checkLife(place, repository, content, call('a session told its algorithm'))
    }
  }
  await checkSessions(place, algorithm)
  await checkRanges(place, algorithm)
  await checkMounts(place, algorithm)
}

async function pushPlain({ wire }: Place, repository: string, content: Content): Promise<void> {
  assert.ok(PLAIN)
  await pushed(wire, repository, content, PLAIN.push)
}

/** HEAD, GET, DELETE, and at once neither. */
async function checkLife(place: Place, repository: string, content: Content, name: string): Promise<void> {
  const { wire, report } = place
  const url = blobUrl(repository, content.digest)
  await report.check('blob head', name, async () => {
    const reply = await wire.send('HEAD', url)
    expectContent(reply, content, true)
    expectHeader(reply, 'docker-content-digest', content.digest)
  })
  await report.check('blob get', name, async () => {
    const reply = await wire.send('GET', url)
    expectContent(reply, content)
    expectHeader(reply, 'docker-content-digest', content.digest)
  })
  await removeBlob(place, repository, content.digest, name)
}

export async function removeBlob(place: Place, repository: string, digest: string, name: string): Promise<void> {
  const { wire, report } = place
  const url = blobUrl(repository, digest)
  await report.check('blob delete', name, async () => {
    expectStatus(await wire.send('DELETE', url), 202)
    expectStatus(await wire.send('HEAD', url), 404)
    expectError(await wire.send('GET', url), 404, 'BLOB_UNKNOWN')
  })
}

async function checkSessions({ wire, report, repository }: Place, algorithm: Algorithm): Promise<void> {
  const content = freshContent(600, algorithm)
  await report.check('upload session', `${algorithm}: where it is, before and after a chunk`, async () => {
    const session = await sessionAt(wire, await openSession(wire, repository), 0)
    const headers = { 'content-type': 'application/octet-stream', 'content-range': '0-599' }
    const reply = await wire.send('PATCH', session, { headers, body: content.bytes })
    expectStatus(reply, 202)
    await sessionAt(wire, locationOf(reply), 600)
  })
  await report.check('blob cancel', `${algorithm}: a session that was cancelled is gone`, async () => {
    const session = await openSession(wire, repository)
    expectStatus(await wire.send('DELETE', session), 204)
    expectError(await wire.send('GET', session), 404, 'BLOB_UPLOAD_UNKNOWN')
    expectStatus(await wire.send('PATCH', session, { body: content.bytes }), 404)
  })
}

async function checkRanges(place: Place, algorithm: Algorithm): Promise<void> {
  const { wire, report, repository } = place
  const content = freshContent(2048, algorithm)
  const url = blobUrl(repository, content.digest)
  const name = `${algorithm}: the blob for ranges`
  if (!(await report.check('blob post and put', name, () => pushPlain(place, repository, content)))) return
  const ranges: [string, number, number][] = [
    ['bytes=500-1499', 500, 1500],
    ['bytes=500-', 500, 2048],
    ['bytes=-500', 1548, 2048],
    ['bytes=2000-5000', 2000, 2048],
    ['bytes=0-0', 0, 1],
    ['bytes=2047-2047', 2047, 2048],
  ]
  for (const [range, start, end] of ranges) {
    await report.check('blob range', `${algorithm}: ${range}`, async () => {
      const reply = await wire.send('GET', url, { headers: { range } })
      expectStatus(reply, 206)
      expectHeader(reply, 'content-range', `bytes ${start}-${end - 1}/2048`)
      expectHeader(reply, 'content-length', String(end - start))
      assert.ok(reply.body.equals(content.bytes.subarray(start, end)), 'other bytes')
    })
  }
  for (const range of ['bytes=500-0', 'bytes=5000-10000', 'bytes=2048-']) {
    await report.check('blob range', `${algorithm}: ${range} cannot be`, async () => {
      const reply = await wire.send('GET', url, { headers: { range } })
      expectStatus(reply, 416)
      expectContent(await wire.send('GET', url), content)
    })
  }
  await removeBlob(place, repository, content.digest, name)
}

async function checkMounts(place: Place, algorithm: Algorithm): Promise<void> {
  const { wire, report, repository, other } = place
  const content = freshContent(512, algorithm)
  const mount = (digest: string, from?: string): string =>
    `/v2/${repository}/blobs/uploads/?mount=${digest}${from === undefined ? '' : `&from=${encodeURIComponent(from)}`}`
  const name = `${algorithm}: a blob of another repository`
  if (await report.check('blob post and put', name, () => pushPlain(place, other, content))) {
    await report.check('blob mount refused', `${algorithm}: without a source nothing is found`, async () => {
      const reply = await wire.send('POST', mount(content.digest))
      expectStatus(reply, 202)
      expectStatus(await wire.send('DELETE', locationOf(reply)), 204)
      expectStatus(await wire.send('HEAD', blobUrl(repository, content.digest)), 404)
    })
    const mounted = await report.check('blob mount', name, async () => {
      const reply = await wire.send('POST', mount(content.digest, other))
      expectStatus(reply, 201)
      expectHeader(reply, 'docker-content-digest', content.digest)
      expectContent(await wire.send('GET', locationOf(reply)), content)
    })
    if (mounted) await checkLife(place, repository, content, name)
    await report.check('blob mount', `${algorithm}: the source keeps what was mounted`, async () =>
      expectContent(await wire.send('GET', blobUrl(other, content.digest)), content),
    )
    await removeBlob(place, other, content.digest, `${name}, at its source`)
  }
  await report.check('blob mount refused', `${algorithm}: one the source does not have becomes an upload`, async () => {
    const missing = freshContent(512, algorithm)
    const reply = await wire.send('POST', mount(missing.digest, other))
    expectStatus(reply, 202)
    const session = locationOf(reply)
    session.searchParams.set('digest', missing.digest)
    expectStatus(await wire.send('PUT', session, { body: missing.bytes }), 201)
    expectContent(await wire.send('GET', blobUrl(repository, missing.digest)), missing)
  })
}
