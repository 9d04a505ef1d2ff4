import { type Database, openDatabase } from '@berth/db'
import { createMetrics, silentLogger } from '@berth/runtime'
import { someImage } from '@berth/testkit'
import { usageReconcile } from '@berth/types'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RegistryClient } from '../testing/registry-client.ts'
import { openWorld, type Replica, type World } from '../testing/test-world.ts'
import { reconcile } from './reconcile.ts'
import { startReconcile } from './start-reconcile.ts'

const NAME = 'library/usage'
let world: World
let replica: Replica
let database: Database

beforeAll(async () => {
  world = await openWorld()
  replica = await world.startReplica()
  const log = silentLogger
  database = openDatabase({ url: world.databaseUrl, service: 'registry', schema: 'registry', log })
})
afterAll(async () => {
  await database?.close()
  await world?.stop()
})

const client = () => new RegistryClient(replica.url, NAME, `Bearer ${world.tokenFor(NAME)}`)
const run = () => reconcile({ database, log: silentLogger })
const usage = async () =>
  Number((await world.sql<{ used: string }>('SELECT used FROM registry.project WHERE id = 1'))[0]?.used)

describe('reconciling usage', () => {
  it('has nothing to correct, and corrects what is off in usage and links', async () => {
    const images = [someImage([1_000]), someImage([2_000, 3_000])]
    for (const [i, image] of images.entries()) await client().pushImage(image, `${i}`)
    const right = await usage()
    expect(await run()).toEqual({ projects: 1, drifts: [], drifted: 0, driftBytes: 0 })

    await world.sql('UPDATE registry.project SET used = used + 77')
    expect(await run()).toEqual({
      projects: 1,
      drifts: [{ projectId: 1, project: 'library', wasBytes: right + 77, usedBytes: right, links: 0 }],
      drifted: 1,
      driftBytes: 77,
    })
    expect(await usage()).toBe(right)

    // One link too few, and one too many.
    await world.sql(
      'DELETE FROM registry.project_blob WHERE blob_id = (SELECT id FROM registry.blob WHERE size = 3000)',
    )
    await world.sql(
      `INSERT INTO registry.blob (digest, size, storage_key) VALUES ('sha256:${'0'.repeat(64)}', 500, 'x')`,
    )
    await world.sql(`INSERT INTO registry.project_blob SELECT 1, id FROM registry.blob WHERE storage_key = 'x'`)
    const report = await run()
    expect(report.drifts).toMatchObject([{ links: 2, usedBytes: right }])
    expect(await usage()).toBe(right)
    expect(await run()).toMatchObject({ drifted: 0 })
    expect(await world.sql('SELECT 1 FROM registry.project_blob')).toHaveLength(5)
    await world.sql(`DELETE FROM registry.blob WHERE storage_key = 'x'`)
  })

  it('is begun by who asks for it, once at a time', async () => {
    const right = await usage()
    const { answers, stop } = startReconcile({ database, log: silentLogger, metrics: createMetrics('test') })
    const ask = () => answers.find(({ ask }) => ask === usageReconcile)?.handle({}, undefined)
    await world.sql('UPDATE registry.project SET used = used + 33')
    expect(await Promise.all([ask(), ask()])).toEqual([{ started: true }, { started: true }])
    await expect.poll(usage).toBe(right)
    await stop()
  })

  it('finds nothing wrong and disturbs nobody while others push and delete', async () => {
    let busy = true
    const pushing = Promise.all(
      Array.from({ length: 4 }, async (_, i) => {
        while (busy) {
          const image = someImage([i * 100 + 10])
          expect((await client().pushImage(image, `busy${i}`)).status).toBe(201)
          expect((await client().fetch(`manifests/${image.digest}`, { method: 'DELETE' })).status).toBe(202)
        }
      }),
    )
    for (let i = 0; i < 40; i++) expect(await run()).toMatchObject({ drifted: 0 })
    await world.sql('UPDATE registry.project SET used = used + 1000')
    expect(await run()).toMatchObject({ drifted: 1, driftBytes: 1_000 })
    expect(await run()).toMatchObject({ drifted: 0 })
    busy = false
    await pushing
  })
})
