import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Api } from '../src/api.ts'
import { chance } from '../src/chance.ts'
import { figure } from '../src/figures.ts'
import { ask, Cut } from '../src/http.ts'
import { type Blob, noiseBlob } from '../src/images/blob.ts'
import { makeImage } from '../src/images/image.ts'
import { type Fault, type S3Faults, type S3Request, startS3Faults } from '../src/peers/s3-faults.ts'
import type { S3Peer } from '../src/peers/s3-peer.ts'
import { startSwift } from '../src/peers/swift.ts'
import { until } from '../src/process.ts'
import { getToken, Refused, RegistryClient } from '../src/registry-client.ts'
import { s3Settings } from '../src/s3-suite.ts'
import { openScratch, removeScratch } from '../src/scratch.ts'
import { type Suite, startSuite } from '../src/suite.ts'
import { openTools } from '../tools/install.ts'

const LONG = process.env.BERTH_E2E_LONG === '1'
const PUSHES = LONG ? 40 : 12
const REPOSITORY = 'faulty/app'
const MB = 1_000_000

const BEFORE: Record<string, Fault> = {
  'answers 500': { kind: 'refused', status: 500, code: 'InternalError' },
  'answers 503': { kind: 'refused', status: 503, code: 'SlowDown' },
  'cuts requests': { kind: 'request cut', afterBytes: 30_000 },
  'loses answers': { kind: 'answer lost' },
  'cuts answers short': { kind: 'answer cut', afterBytes: 10_000 },
  'is slow': { kind: 'slow', pauseMs: 40 },
}

describe('an S3 that fails', () => {
  let home: string
  let swift: S3Peer
  let faults: S3Faults
  let suite: Suite
  let client: RegistryClient
  const answered: Blob[] = []

  beforeAll(async () => {
    home = await openScratch()
    swift = await startSwift(await openTools(), home)
    faults = await startS3Faults(swift.url)
    const account = { ...swift.account, endpoint: faults.url }
    suite = await startSuite({ env: s3Settings(account, { BERTH_S3_REDIRECT: 'false' }) })
    await Api.admin(suite).createProject('faulty')
    const scopes = [`repository:${REPOSITORY}:pull,push,delete`]
    const token = await getToken(suite.url, { user: 'admin', password: suite.adminPassword, scopes })
    client = new RegistryClient(suite.url, `Bearer ${token}`)
  })

  afterAll(async () => {
    await suite?.stop()
    await faults?.stop()
    await swift?.stop()
    await removeScratch(home)
  })

  /** Done, or refused with a 5xx, or cut off: never anything else. */
  const tried = async (work: () => Promise<unknown>): Promise<boolean> => {
    try {
      await work()
      return true
    } catch (err) {
      if (err instanceof Cut) return false
      if (!(err instanceof Refused)) throw err
      expect(err.status, err.message).toBeGreaterThanOrEqual(500)
      return false
    }
  }
  const expectWhole = async (): Promise<void> => {
    for (const blob of answered) expect(await client.pullBlob(REPOSITORY, blob.digest)).toBe(blob.sizeBytes)
  }
  /** Small ones are one object, larger ones come in parts; half of them streamed. */
  const push = async (name: string, n: number): Promise<boolean> => {
    const blob = await noiseBlob(n % 3 === 0 ? 11 * MB : 40_000 * (n + 1), `${name} ${n}`)
    const done = await tried(() => (n % 2 ? client.streamBlob(REPOSITORY, blob) : client.pushBlob(REPOSITORY, blob)))
    if (done) answered.push(blob)
    return done
  }

  for (const [name, fault] of Object.entries(BEFORE)) {
    it(`${name} one time in four: every push is done or refused, and what was told done is there`, async () => {
      const next = chance(name)
      faults.plan = () => (next(4) === 0 ? fault : undefined)
      let pushed = 0
      let pulled = 0
      try {
        for (let n = 0; n < PUSHES; n += 1) if (await push(name, n)) pushed += 1
        for (const blob of answered.slice(-5)) {
          if (await tried(() => client.pullBlob(REPOSITORY, blob.digest))) pulled += 1
        }
      } finally {
        faults.plan = () => undefined
      }
      await figure(`S3 ${name}`, { pushes: `${pushed} of ${PUSHES}`, pulls: pulled, faults: faults.done[fault.kind] })
      expect(faults.done[fault.kind]).toBeGreaterThan(0)
      expect(pushed).toBeGreaterThan(0)
      await expectWhole()
    })
  }

  it('is away: pushes and pulls say 5xx, and all goes on when it is back', async () => {
    faults.plan = () => ({ kind: 'refused', status: 503, code: 'ServiceUnavailable' })
    const blob = await noiseBlob(60_000, 'while it is away')
    try {
      expect(await tried(() => client.pushBlob(REPOSITORY, blob))).toBe(false)
      const [known] = answered
      expect(await tried(() => client.pullBlob(REPOSITORY, known?.digest ?? ''))).toBe(false)
    } finally {
      faults.plan = () => undefined
    }
    await until('a push to be taken', 60_000, () => tried(() => client.pushBlob(REPOSITORY, blob)))
    answered.push(blob)
    await expectWhole()
  })

  it('says it deleted and did not: what is deleted stays deleted, and comes back by a push alone', async () => {
    const deletes = ({ method, query }: S3Request): boolean =>
      method === 'DELETE' || (method === 'POST' && query.has('delete'))
    faults.plan = (asked) => (deletes(asked) ? { kind: 'not done' } : undefined)
    const image = await makeImage({ name: 'deleted', layerBytes: [50_000] })
    await client.pushImage(REPOSITORY, 'deleted', image)
    const [layer] = image.layers
    const remove = (rest: string): Promise<number> =>
      ask(client.url(REPOSITORY, rest), { method: 'DELETE', headers: client.headers() }).then(({ status }) => status)
    expect(await remove(`manifests/${image.manifest.digest}`)).toBe(202)
    expect(await remove(`blobs/${layer?.digest}`)).toBe(202)
    expect(await client.hasBlob(REPOSITORY, layer?.digest ?? '')).toBe(false)
    await client.pushImage(REPOSITORY, 'deleted', image)
    faults.plan = () => undefined
    expect((await client.pullImage(REPOSITORY, 'deleted')).digest).toBe(image.manifest.digest)
  })

  it('holds no more unfinished uploads than answers were lost: nobody was told of those', async () => {
    const unfinished = await swift.client.listIncompleteUploads(swift.account.bucket, '', true).toArray()
    const unheard = faults.done['answer lost'] + faults.done['answer cut']
    await figure('uploads S3 began and nobody was told of', { left: unfinished.length, 'answers lost': unheard })
    expect(unfinished.length).toBeLessThanOrEqual(unheard)
    await expectWhole()
  })
})
