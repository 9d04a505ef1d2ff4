import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Api } from '../src/api.ts'
import { chance } from '../src/chance.ts'
import { holdDead, service } from '../src/faults.ts'
import { figure } from '../src/figures.ts'
import { type Answer, ask } from '../src/http.ts'
import { type Blob, blobOf, noise, noiseBlob } from '../src/images/blob.ts'
import type { S3Peer } from '../src/peers/s3-peer.ts'
import { startSwift } from '../src/peers/swift.ts'
import { sleep, until } from '../src/process.ts'
import { getToken, RegistryClient } from '../src/registry-client.ts'
import { s3Settings } from '../src/s3-suite.ts'
import { openScratch, removeScratch } from '../src/scratch.ts'
import { type Suite, startSuite } from '../src/suite.ts'
import { sendPart, type Torn } from '../src/torn-upload.ts'
import { openTools } from '../tools/install.ts'

const LONG = process.env.BERTH_E2E_LONG === '1'
/** Killed so often, with so many uploads under way. */
const FIRE = {
  'the file system': LONG ? { kills: 10, each: 2 } : { kills: 5, each: 1 },
  'an S3': LONG ? { kills: 5, each: 4 } : { kills: 2, each: 3 },
} as const
const SIZE = 6_000_000
const REPOSITORY = 'torn/app'

describe.each(['the file system', 'an S3'] as const)('uploads that are broken off, on %s', (storage) => {
  const { kills, each } = FIRE[storage]
  let home: string
  let swift: S3Peer | undefined
  let suite: Suite
  let client: RegistryClient
  const answered: Blob[] = []
  let shared: Blob

  beforeAll(async () => {
    home = await openScratch()
    if (storage === 'an S3') swift = await startSwift(await openTools(), home)
    suite = await startSuite({ scale: { registry: 2 }, env: swift && s3Settings(swift.account) })
    const admin = Api.admin(suite)
    await admin.createProject('torn')
    const wish = { user: 'admin', password: suite.adminPassword, scopes: [`repository:${REPOSITORY}:pull,push`] }
    client = new RegistryClient(suite.url, `Bearer ${await getToken(suite.url, wish)}`)
    shared = await noiseBlob(3_000_000, 'everybody pushes this')
  })

  afterAll(async () => {
    await suite?.stop()
    await swift?.stop()
    await removeScratch(home)
  })

  const blob = (seed: string): { bytes: Buffer; blob: Blob } => {
    const bytes = Buffer.concat([...noise(SIZE, seed)])
    return { bytes, blob: blobOf(bytes) }
  }
  const registryAnswers = (): Promise<void> =>
    until('the registry to answer', 90_000, async () => {
      const answer = await ask(client.url(REPOSITORY, 'blobs/sha256:00'), { headers: client.headers() }).catch(
        () => undefined,
      )
      return answer?.status === 400
    })
  const pushes = async (one: Blob): Promise<void> => {
    await client.pushBlob(REPOSITORY, one)
    answered.push(one)
  }

  /** What the session holds, by its own word; undefined when it is gone. */
  const offsetOf = async (session: URL): Promise<number | undefined> => {
    let answer: Answer | undefined
    await until('the session to be told', 30_000, async () => {
      answer = await ask(session, { headers: client.headers() })
      return answer.status === 204 || answer.status === 404
    })
    if (answer?.status !== 204) return undefined
    const end = Number(/^0-(\d+)$/.exec(answer.headers.range?.toString() ?? '')?.[1])
    return end === 0 ? 0 : end + 1
  }

  /**
   * Goes on where the session says it is, or begins again; either way what is stored is what was meant. What a client
   * that left had sent may still be put away when the session is asked: 416 then tells to ask again.
   */
  const finish = async (session: URL, bytes: Buffer, whole: Blob, again = 10): Promise<'went on' | 'began again'> => {
    const offset = await offsetOf(session)
    if (offset === undefined) {
      await pushes(whole)
      return 'began again'
    }
    expect(offset).toBeLessThanOrEqual(bytes.length)
    const target = new URL(session)
    target.searchParams.set('digest', whole.digest)
    const headers = client.headers({
      'content-type': 'application/octet-stream',
      'content-length': String(bytes.length - offset),
      ...(offset < bytes.length && { 'content-range': `${offset}-${bytes.length - 1}` }),
    })
    const put = await ask(target, { method: 'PUT', headers, body: bytes.subarray(offset) })
    if (put.status === 416 && again > 0) {
      await sleep(200)
      return finish(session, bytes, whole, again - 1)
    }
    expect(put.status, put.text).toBe(201)
    answered.push(whole)
    return 'went on'
  }

  /** On an S3 a blob is where its upload was: it is told by its size, which nothing else has. */
  const copiesOf = async ({ digest, sizeBytes }: Blob): Promise<number> => {
    if (swift) {
      const objects = await swift.client.listObjectsV2(swift.account.bucket, '', true).toArray()
      return (objects as { size: number }[]).filter((object) => object.size === sizeBytes).length
    }
    const hex = digest.slice('sha256:'.length)
    return (await readdir(join(suite.data, 'registry', 'blobs', 'sha256', hex.slice(0, 2), hex))).length
  }

  it('sixteen push one blob at once: all are told 201', async () => {
    await Promise.all(Array.from({ length: 16 }, () => client.pushBlob(REPOSITORY, shared)))
    answered.push(shared)
    expect(await client.pullBlob(REPOSITORY, shared.digest)).toBe(shared.sizeBytes)
  })

  it(`kill -9 with uploads at ${kills * each} random offsets: each goes on where it says it is, and nothing wrong is seen`, async () => {
    const next = chance('kill -9 of the registry')
    const fates = { 'went on': 0, 'began again': 0 }
    for (let kill = 0; kill < kills; kill += 1) {
      await pushes(await noiseBlob(20_000, `before kill ${kill}`))
      const torn: { session: URL; bytes: Buffer; whole: Blob; upload: Torn }[] = []
      for (let n = 0; n < each; n += 1) {
        const { bytes, blob: whole } = blob(`kill ${kill} ${n}`)
        const session = await client.openUpload(REPOSITORY)
        const method = next(2) === 0 ? 'PATCH' : 'PUT'
        const target = new URL(session)
        if (method === 'PUT') target.searchParams.set('digest', whole.digest)
        const upload = await sendPart(client, method, target, bytes, 1 + next(bytes.length - 1))
        torn.push({ session, bytes, whole, upload })
      }
      for (const pid of await suite.pidsOf('registry')) process.kill(pid, 'SIGKILL')
      for (const { upload } of torn) expect(['cut', 502, 503]).toContain(await upload.ended)
      await registryAnswers()
      for (const { session, bytes, whole } of torn) {
        expect(await client.hasBlob(REPOSITORY, whole.digest)).toBe(false)
        fates[await finish(session, bytes, whole)] += 1
      }
    }
    await figure(`kill -9 at ${kills * each} offsets, on ${storage}`, fates)
    for (const one of answered) expect(await client.pullBlob(REPOSITORY, one.digest)).toBe(one.sizeBytes)
  })

  it('one of two replicas dies: its uploads are finished on the other while it is dead', async () => {
    await registryAnswers()
    const next = chance('one of two replicas')
    const torn: { session: URL; bytes: Buffer; whole: Blob; upload: Torn }[] = []
    for (let n = 0; n < 8; n += 1) {
      const { bytes, blob: whole } = blob(`replica ${n}`)
      const session = await client.openUpload(REPOSITORY)
      const upload = await sendPart(client, 'PATCH', session, bytes, 1_000_000 + next(4_000_000))
      torn.push({ session, bytes, whole, upload })
    }
    const release = await holdDead(async () => (await service(suite, 'registry')()).slice(0, 1))
    try {
      await new Promise((resolve) => setTimeout(resolve, 300))
      for (const { upload } of torn) upload.abandon()
      const fates = { 'went on': 0, 'began again': 0 }
      for (const { session, bytes, whole } of torn) fates[await finish(session, bytes, whole)] += 1
      await figure(`eight uploads over two replicas, one dies, on ${storage}`, fates)
      expect(fates['went on']).toBeGreaterThan(0)
      for (const { whole } of torn) expect(await client.pullBlob(REPOSITORY, whole.digest)).toBe(SIZE)
    } finally {
      await release()
    }
  })

  it('leaves one copy of what sixteen pushed, and no bytes under a wrong name', async () => {
    await until('the other fifteen copies to be swept', 150_000, async () => (await copiesOf(shared)) === 1)
    for (const one of answered) expect(await client.pullBlob(REPOSITORY, one.digest)).toBe(one.sizeBytes)
  })
})
