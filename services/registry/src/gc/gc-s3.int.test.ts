import { openDatabase } from '@berth/db'
import { silentLogger } from '@berth/runtime'
import { sha256, someBytes, someImage } from '@berth/testkit'
import { gcSweep } from '@berth/types'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fsck } from '../fsck/index.ts'
import { paceOf, scrubRound } from '../scrub/index.ts'
import { openStorageOf } from '../storage/index.ts'
import { type S3Double, s3Double } from '../storage/testing/s3-double.ts'
import { RegistryClient } from '../testing/registry-client.ts'
import { openWorld, type Replica, type World } from '../testing/test-world.ts'
import { runGc } from './run-gc.ts'

const NAME = 'library/s3'
let s3: S3Double
let world: World
let replica: Replica

beforeAll(async () => {
  s3 = await s3Double()
  world = await openWorld({ s3: s3.settings })
  replica = await world.startReplica({ gc: { windowMs: 3_600_000, graceMs: 100 } })
})
afterAll(async () => {
  await world?.stop()
  await s3?.stop()
})

const client = (actions?: string[]) => new RegistryClient(replica.url, NAME, `Bearer ${world.tokenFor(NAME, actions)}`)
const options = { deleteUntagged: false, dryRun: false, workers: 2, force: false }
const collect = (onLine?: (line: string) => void) =>
  runGc((request) => world.bus.ask(gcSweep, { action: 'step', ...request }), { options, onLine })
const keyOf = async (bytes: Uint8Array) =>
  (
    await world.sql<{ key: string }>('SELECT storage_key AS key FROM registry.blob WHERE digest = $1', [sha256(bytes)])
  )[0]?.key ?? ''

describe('on S3', () => {
  it('garbage goes in requests of many objects, and what is used stays', async () => {
    const kept = someImage([2_000])
    await client().pushImage(kept, 'kept')
    for (let i = 0; i < 60; i++) await client().postBlob(someBytes(100 + i))
    await world.sql(`UPDATE registry.blob SET touched_at = now() - interval '1 day'`)
    const before = s3.count('delete-many')
    expect(await collect()).toMatchObject({ state: 'finished', purgedBlobs: 60, freedBytes: 60 * 100 + (59 * 60) / 2 })
    expect(s3.count('delete-many') - before).toBe(2)
    expect(s3.objects.size).toBe(2)
    const got = await client().fetch(`blobs/${sha256(kept.layers[0] as Buffer)}`)
    expect(Buffer.from(await got.arrayBuffer())).toEqual(kept.layers[0])
  })

  it('what it does not let go of is not said to be freed, and goes when it can', async () => {
    const [stuck, loose] = [someBytes(700), someBytes(800)]
    for (const bytes of [stuck, loose]) await client().postBlob(bytes)
    const key = await keyOf(stuck)
    s3.kept.add(key)
    await world.sql(`UPDATE registry.blob SET touched_at = now() - interval '1 day'`)
    const lines: string[] = []
    expect(await collect((line) => lines.push(line))).toMatchObject({
      state: 'finished',
      purgedBlobs: 1,
      freedBytes: 800,
    })
    expect(lines).toContain(`failed to delete blob from storage, will be tried again: ${sha256(stuck)}`)
    expect(lines).toContain(`delete blob from storage: ${sha256(loose)}`)
    expect(await world.sql('SELECT storage_key FROM registry.trash')).toEqual([{ storage_key: key }])
    s3.kept.clear()
    await world.sweep()
    expect([s3.objects.has(key), await world.sql('SELECT 1 FROM registry.trash')]).toEqual([false, []])
  })

  it('other bytes and missing ones are found, by scrub and fsck alike, and healed by a push', async () => {
    const [changed, gone, stray] = [someBytes(5_000), someBytes(6_000), 'blobs/00000000-0000-4000-8000-000000000000.1']
    for (const bytes of [changed, gone]) await client().postBlob(bytes)
    const object = s3.objects.get(await keyOf(changed))
    if (object) object.bytes = Buffer.from(object.bytes.map((byte, i) => (i === 77 ? byte ^ 4 : byte)))
    s3.objects.delete(await keyOf(gone))
    s3.objects.set(stray, { bytes: Buffer.alloc(9), size: 9, etag: 'x', at: new Date(Date.now() - 3 * 86_400_000) })
    const log = silentLogger
    const database = openDatabase({ url: world.databaseUrl, service: 'registry', schema: 'registry', log })
    try {
      const storage = await openStorageOf(world.storage)
      expect(await fsck({ database, storage, repair: false })).toMatchObject({ missing: 1, wrongSize: 0, unknown: 1 })
      expect(await scrubRound({ database, storage, log, pace: paceOf(Number.POSITIVE_INFINITY) }, 0)).toMatchObject({
        corrupt: 2,
        unread: 0,
      })
      for (const bytes of [changed, gone]) {
        expect((await client(['pull']).fetch(`blobs/${sha256(bytes)}`)).status).toBe(500)
        expect((await client().pushBlob(bytes)).status).toBe(201)
        const got = await client().fetch(`blobs/${sha256(bytes)}`)
        expect(Buffer.from(await got.arrayBuffer())).toEqual(bytes)
      }
      await world.sweep()
      expect(await fsck({ database, storage, repair: true })).toMatchObject({ unknown: 1, repaired: 1, missing: 0 })
      expect(s3.objects.has(stray)).toBe(false)
      const rows = (await world.sql('SELECT 1 FROM registry.blob')).length
      expect(await fsck({ database, storage, repair: false })).toMatchObject({
        rows,
        objects: rows,
        unknown: 0,
        young: 0,
      })
    } finally {
      await database.close()
    }
  })
})
