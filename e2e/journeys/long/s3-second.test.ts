import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Api, type Person, ROLE } from '../../src/api.ts'
import { runConformance } from '../../src/conformance/run.ts'
import { figure } from '../../src/figures.ts'
import { makeImage } from '../../src/images/image.ts'
import type { S3Peer } from '../../src/peers/s3-peer.ts'
import { startVersity } from '../../src/peers/versity.ts'
import { getToken, RegistryClient } from '../../src/registry-client.ts'
import { s3Settings } from '../../src/s3-suite.ts'
import { openScratch, removeScratch } from '../../src/scratch.ts'
import { type Suite, startSuite } from '../../src/suite.ts'
import { openTools } from '../../tools/install.ts'

describe('bytes in a second S3', () => {
  let home: string
  let versity: S3Peer
  let suite: Suite
  let person: Person

  beforeAll(async () => {
    home = await openScratch()
    versity = await startVersity(await openTools(true), home)
    suite = await startSuite({ env: s3Settings(versity.account) })
    const admin = Api.admin(suite)
    person = await admin.createUser('vera')
    await admin.createProject('second')
    await admin.addMember('second', person, ROLE.maintainer)
  })

  afterAll(async () => {
    await suite?.stop()
    await versity?.stop()
    await removeScratch(home)
  })

  for (const profile of ['stable', 'dev'] as const) {
    it(`passes every check of the distribution API, ${profile} profile`, async () => {
      const [repository, other] = [`second/${profile}`, `second/${profile}-other`]
      const report = await runConformance({ base: suite.url, person, repository, other, profile })
      await figure(`distribution API on a second S3, ${profile}`, {
        passed: report.passes,
        failed: report.failures.length,
      })
      expect(report.failures).toEqual([])
    })
  }

  it('keeps large layers that came in parts, and leaves nothing unfinished', async () => {
    const scopes = ['repository:second/large:pull,push']
    const token = await getToken(suite.url, { user: person.name, password: person.password, scopes })
    const client = new RegistryClient(suite.url, `Bearer ${token}`)
    const image = await makeImage({ name: 'large', layerBytes: [60_000_000, 5_000_000, 100] })
    await client.pushImage('second/large', '1', image)
    const found = await Promise.all(image.layers.map((layer) => client.hasBlob('second/large', layer.digest)))
    expect(found).toEqual([true, true, true])
    expect(await versity.client.listIncompleteUploads(versity.account.bucket, '', true).toArray()).toEqual([])
  })
})
