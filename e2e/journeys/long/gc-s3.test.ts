import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Api } from '../../src/api.ts'
import { report } from '../../src/berth.ts'
import { figure } from '../../src/figures.ts'
import { ask } from '../../src/http.ts'
import { blobOf } from '../../src/images/blob.ts'
import { makeImage } from '../../src/images/image.ts'
import { startLoad } from '../../src/load.ts'
import type { S3Peer } from '../../src/peers/s3-peer.ts'
import { startVersity } from '../../src/peers/versity.ts'
import { until } from '../../src/process.ts'
import { getToken, RegistryClient } from '../../src/registry-client.ts'
import { s3Settings } from '../../src/s3-suite.ts'
import { openScratch, removeScratch } from '../../src/scratch.ts'
import { type Suite, startSuite } from '../../src/suite.ts'
import { openTools } from '../../tools/install.ts'

const BLOBS = 10_000
const AT_ONCE = 16
const REPOSITORY = 'waste/app'

interface GcReport {
  figures: Record<string, number | string>
}

describe('garbage collection of ten thousand blobs on S3, under load', () => {
  let home: string
  let s3: S3Peer
  let suite: Suite
  let client: RegistryClient

  beforeAll(async () => {
    home = await openScratch()
    s3 = await startVersity(await openTools(true), home)
    suite = await startSuite({
      env: s3Settings(s3.account, {
        BERTH_S3_REDIRECT: 'false',
        GC_TIME_WINDOW_HOURS: '0.001',
        BERTH_REGISTRY_GC_GRACE_SECONDS: '2',
      }),
    })
    await Api.admin(suite).createProject('waste')
    const scopes = [`repository:${REPOSITORY}:pull,push,delete`]
    const token = await getToken(suite.url, { user: 'admin', password: suite.adminPassword, scopes })
    client = new RegistryClient(suite.url, `Bearer ${token}`)
  })

  afterAll(async () => {
    await suite?.stop()
    await s3?.stop()
    await removeScratch(home)
  })

  const objects = async (): Promise<number> =>
    (await s3.client.listObjectsV2(s3.account.bucket, '', true).toArray()).length

  it('removes them all while pushes and pulls go on without a failure', async () => {
    let count = 0
    const pushing = async (): Promise<void> => {
      for (let n = count++; n < BLOBS; n = count++) {
        const bytes = Buffer.from(`waste ${n}`)
        const url = client.url(REPOSITORY, `blobs/uploads/?digest=${blobOf(bytes).digest}`)
        const headers = client.headers({ 'content-type': 'application/octet-stream' })
        const answer = await ask(url, { method: 'POST', headers, body: bytes })
        expect(answer.status, answer.text).toBe(201)
      }
    }
    const beganPushing = performance.now()
    await Promise.all(Array.from({ length: AT_ONCE }, pushing))
    const pushSeconds = (performance.now() - beganPushing) / 1000
    expect(await objects()).toBeGreaterThanOrEqual(BLOBS)

    const image = await makeImage({ name: 'known', layerBytes: [100_000] })
    await client.pushImage(REPOSITORY, 'known', image)
    const known = { repository: REPOSITORY, tag: 'known', digest: image.manifest.digest }
    const load = startLoad(client, REPOSITORY, known, 'during')
    const began = performance.now()
    const { figures } = await report<GcReport>(suite, ['registry', 'gc', '--workers', '4'])
    const seconds = (performance.now() - began) / 1000
    const tally = load.take()
    await load.stop()
    await figure('garbage collection of 10,000 blobs on S3 under load', {
      'pushes a second before': Math.round(BLOBS / pushSeconds),
      seconds: Math.round(seconds),
      'blobs removed': figures.purgedBlobs ?? 0,
      'pushes meanwhile': tally.pushes,
      'pulls meanwhile': tally.pulls,
      'failures meanwhile': tally.failures.length,
    })
    expect(figures).toMatchObject({ state: 'finished', purgedBlobs: BLOBS })
    expect(tally.failures).toEqual([])
    expect(tally.pushes).toBeGreaterThan(0)
    await until(
      'the objects of the waste to be gone',
      120_000,
      async () => (await objects()) < 5 * load.acknowledged.length + 10,
    )
    for (const { repository, tag, digest } of [known, ...load.acknowledged])
      expect((await client.pullImage(repository, tag)).digest).toBe(digest)
  })
})
