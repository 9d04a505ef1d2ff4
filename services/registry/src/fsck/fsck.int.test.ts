import { mkdir, readdir, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { openDatabase } from '@berth/db'
import { silentLogger } from '@berth/runtime'
import { sha256, someBytes, someImage } from '@berth/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { filesystemStorage } from '../storage/index.ts'
import { RegistryClient } from '../testing/registry-client.ts'
import { openWorld, type Replica, type World } from '../testing/test-world.ts'
import { type FsckOptions, fsck } from './fsck.ts'

const NAME = 'library/fsck'
const LONG_AGO = new Date(Date.now() - 2 * 86_400_000)
let world: World
let replica: Replica
let parts: Omit<FsckOptions, 'repair'>

beforeAll(async () => {
  world = await openWorld()
  replica = await world.startReplica()
  const database = openDatabase({
    url: world.databaseUrl,
    service: 'registry',
    schema: 'registry',
    log: silentLogger,
  })
  parts = { database, storage: await filesystemStorage(world.storageRoot) }
})
afterAll(async () => {
  await (parts?.database as { close(): Promise<void> } | undefined)?.close()
  await world?.stop()
})
beforeEach(async () => {
  await world.sql('TRUNCATE registry.manifest, registry.blob, registry.upload, registry.trash CASCADE')
  for (const place of ['blobs', 'uploads']) {
    await rm(`${world.storageRoot}/${place}`, { recursive: true })
    await mkdir(`${world.storageRoot}/${place}`)
  }
})

const client = () => new RegistryClient(replica.url, NAME, `Bearer ${world.tokenFor(NAME)}`)
const keyOf = async (bytes: Uint8Array) =>
  (
    await world.sql<{ key: string }>('SELECT storage_key AS key FROM registry.blob WHERE digest = $1', [sha256(bytes)])
  )[0]?.key ?? ''
const put = async (name: string, length: number, modified?: Date) => {
  const file = `${world.storageRoot}/${name}`
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, Buffer.alloc(length))
  if (modified) await utimes(file, modified, modified)
}
const isThere = (name: string) =>
  stat(`${world.storageRoot}/${name}`).then(
    () => true,
    () => false,
  )

describe('fsck', () => {
  it('has nothing to say of a registry that is used', async () => {
    await client().pushImage(someImage([1_000, 0]), '1')
    const location = await client().startUpload()
    await client().patch(location, someBytes(100))
    for (const repair of [false, true]) {
      expect(await fsck({ ...parts, repair })).toEqual({
        rows: 3,
        objects: 4,
        missing: 0,
        wrongSize: 0,
        unknown: 0,
        unknownBytes: 0,
        young: 0,
        repaired: 0,
        marked: 0,
        findings: [],
      })
    }
    expect((await client().put(location, sha256(''), undefined)).status).toBe(400)
  })

  it('finds rows without their bytes, and marks them so that a push heals them', async () => {
    const [gone, short, whole] = [someBytes(500), someBytes(600), someBytes(700)]
    for (const bytes of [gone, short, whole]) await client().postBlob(bytes)
    const missingKey = await keyOf(gone)
    await rm(`${world.storageRoot}/${missingKey}`)
    await truncate(`${world.storageRoot}/${await keyOf(short)}`, 599)
    const seen = await fsck({ ...parts, repair: false })
    expect(seen).toMatchObject({ rows: 3, objects: 2, missing: 1, wrongSize: 1, unknown: 0, repaired: 0 })
    expect(seen.findings).toContainEqual({
      what: 'missing',
      name: sha256(gone),
      why: `no bytes at ${missingKey}`,
    })
    expect(await world.sql('SELECT 1 FROM registry.blob WHERE corrupt_at IS NOT NULL')).toEqual([])
    expect(await fsck({ ...parts, repair: true })).toMatchObject({ missing: 1, wrongSize: 1, repaired: 2 })
    const again = await fsck({ ...parts, repair: true })
    expect(again).toMatchObject({ missing: 1, wrongSize: 1, repaired: 0, marked: 2 })
    expect(again.findings.map(({ why }) => why.split('; ')[1])).toEqual(['marked as corrupt', 'marked as corrupt'])
    for (const bytes of [gone, short]) {
      expect((await client().fetch(`blobs/${sha256(bytes)}`)).status).toBe(500)
      expect((await client().postBlob(bytes)).status).toBe(201)
    }
    await world.sweep()
    expect(await fsck({ ...parts, repair: false })).toMatchObject({ rows: 3, objects: 3, missing: 0, wrongSize: 0 })
  })

  it('finds files nobody knows, and removes those that are older than a day', async () => {
    const blob = someBytes(50)
    await client().postBlob(blob)
    const twin = `${await keyOf(blob)}-twin`
    const young = 'blobs/sha256/aa/young/x.1'
    const thrown = 'blobs/sha256/bb/thrown/x.1'
    const upload = 'uploads/forgotten.1'
    await put(twin, 10, LONG_AGO)
    await put(young, 20)
    await put(thrown, 30, LONG_AGO)
    await put(upload, 40, LONG_AGO)
    await world.sql('INSERT INTO registry.trash (storage_key, size) VALUES ($1, 30)', [thrown])
    const seen = await fsck({ ...parts, repair: false })
    expect(seen).toMatchObject({ objects: 5, unknown: 2, unknownBytes: 50, young: 1, repaired: 0 })
    expect(seen.findings.map(({ name }) => name).sort()).toEqual([twin, upload].sort())
    expect(await fsck({ ...parts, repair: true })).toMatchObject({ unknown: 2, repaired: 2 })
    expect(await Promise.all([twin, upload, young, thrown].map(isThere))).toEqual([false, false, true, true])
    expect((await client().fetch(`blobs/${sha256(blob)}`)).status).toBe(200)
    expect(await world.sql('SELECT 1 FROM registry.trash')).toHaveLength(1)
  })

  it('goes through more than one page of both, and of what was taken over where it stands', async () => {
    const many = Array.from({ length: 2_345 }, (_, i) => i)
    await Promise.all(many.map((i) => put(`docker/registry/v2/blobs/sha256/${i % 7}/${i}/data`, 3)))
    await put('docker/registry/v2/repositories/library/app/_layers/link', 1)
    await world.sql(`INSERT INTO registry.blob (digest, size, storage_key)
      SELECT 'sha256:' || lpad(to_hex(n), 64, '0'), 3, 'docker/registry/v2/blobs/sha256/' || n % 7 || '/' || n || '/data'
      FROM generate_series(0, 2345) n`)
    const report = await fsck({ ...parts, repair: false })
    expect(report).toMatchObject({ rows: 2_346, missing: 1, wrongSize: 0, unknown: 0, objects: 0 })
    await rm(`${world.storageRoot}/docker`, { recursive: true })
    expect(await readdir(world.storageRoot)).not.toContain('docker')
  })
})
