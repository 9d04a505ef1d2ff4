import { readdir, rm } from 'node:fs/promises'
import { openDatabase } from '@berth/db'
import { silentLogger } from '@berth/runtime'
import { indexOf, sha256, someBytes, someImage } from '@berth/testkit'
import { gcSweep } from '@berth/types'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openStorageOf } from '../storage/index.ts'
import { codeOf, RegistryClient } from '../testing/registry-client.ts'
import { accessTo } from '../testing/test-tokens.ts'
import { openWorld, type Replica, type World } from '../testing/test-world.ts'
import { collectManifest } from './collect-manifest.ts'
import { type GcStep, gcEngine } from './gc-engine.ts'
import { type GcDrive, runGc } from './run-gc.ts'

const GRACE_MS = 300
let world: World
let replica: Replica

beforeAll(async () => {
  world = await openWorld()
  replica = await world.startReplica({ gc: { windowMs: 3_600_000, graceMs: GRACE_MS } })
})
afterAll(() => world?.stop())

const client = (name = 'library/gc') => new RegistryClient(replica.url, name, `Bearer ${world.tokenFor(name)}`)
const step: GcStep = (request) => world.bus.ask(gcSweep, { action: 'step', ...request })
const options = { deleteUntagged: false, dryRun: false, workers: 1, force: false }
const collect = (wish: Partial<typeof options> = {}, drive: Partial<GcDrive> = {}) =>
  runGc(step, { options: { ...options, ...wish }, ...drive })

/** Begins a run and leaves it where everything is condemned and can still be revived. */
const upToGrace = async () => {
  let run = await step({ options })
  while (run.state === 'running' && run.phase !== 'grace') run = await step({ run: run.run })
  return run
}

/** As if everything there is now had been left alone since yesterday. */
const age = async () => {
  await world.sql(`UPDATE registry.blob SET touched_at = now() - interval '1 day'`)
  await world.sql(`UPDATE registry.manifest SET pushed_at = now() - interval '1 day'`)
}
const stored = async () => {
  const files = await readdir(`${world.storageRoot}/blobs`, { recursive: true, withFileTypes: true })
  return files.filter((file) => file.isFile()).length
}
const rows = async (table: string) =>
  (await world.sql<{ n: number }>(`SELECT count(*)::int AS n FROM registry.${table}`))[0]?.n ?? -1

// Each test begins with nothing left over.
beforeEach(async () => {
  await age()
  await world.sql('DELETE FROM registry.tag')
  await collect({ deleteUntagged: true })
  expect([await rows('blob'), await rows('manifest'), await stored(), await rows('trash')]).toEqual([0, 0, 0, 0])
})

describe('garbage collection', () => {
  it('removes what nobody refers to, bytes and all, and says to the byte what it freed', async () => {
    const kept = someImage([3_000, 4_000])
    await client().pushImage(kept, 'kept')
    const garbage = [someBytes(10_000), someBytes(20_000), someBytes(0)]
    for (const bytes of garbage) expect((await client('library/left').postBlob(bytes)).status).toBe(201)
    await age()
    const lines: string[] = []
    const run = await collect({ workers: 3 }, { onLine: (line) => lines.push(line) })
    expect(run).toMatchObject({
      state: 'finished',
      phase: 'done',
      eligibleBlobs: 3,
      eligibleBytes: 30_000,
      storedBytes: 30_000 + 7_000 + kept.config.length,
      purgedBlobs: 3,
      purgedManifests: 0,
      freedBytes: 30_000,
    })
    expect([await rows('blob'), await stored(), await rows('trash')]).toEqual([3, 3, 0])
    expect(lines.join('\n')).toContain('workers: 3')
    expect(lines).toContain('3 blobs and 0 manifests eligible for deletion')
    for (const bytes of garbage) expect(lines).toContain(`delete blob from storage: ${sha256(bytes)}`)
    for (const blob of [kept.config, ...kept.layers]) {
      const got = await client().fetch(`blobs/${sha256(blob)}`)
      expect(Buffer.from(await got.arrayBuffer())).toEqual(blob)
    }
    expect((await client('library/left').fetch(`blobs/${sha256(garbage[0] as Buffer)}`)).status).toBe(404)
    const metrics = await (await fetch(`${replica.adminUrl}/metrics`)).text()
    expect(metrics).toMatch(/^berth_registry_gc_freed_bytes_total 30000$/m)
    expect(metrics).toMatch(/^berth_registry_gc_purged_blobs_total 3$/m)
  })

  it('spares what is younger than the window, and what came while an upload was under way that still is', async () => {
    const [young, old, older] = [someBytes(100), someBytes(200), someBytes(300)]
    await client('library/busy').postBlob(older)
    const location = await client('library/busy').startUpload()
    await client('library/busy').postBlob(old)
    await world.sql(`UPDATE registry.upload SET lease_until = now() + interval '1 hour'`)
    for (const column of ['blob SET touched_at = touched_at', 'upload SET created_at = created_at']) {
      await world.sql(`UPDATE registry.${column} - interval '1 day'`)
    }
    await client().postBlob(young)
    expect(await collect()).toMatchObject({ eligibleBlobs: 1, purgedBlobs: 1, freedBytes: 300 })
    expect(await collect()).toMatchObject({ eligibleBlobs: 0, purgedBlobs: 0 })
    await world.sql('UPDATE registry.upload SET lease_until = NULL')
    expect(await collect()).toMatchObject({ eligibleBlobs: 1, purgedBlobs: 1, freedBytes: 200 })
    expect((await client().fetch(`blobs/${sha256(young)}`)).status).toBe(200)
    await client('library/busy').fetch(location, { method: 'DELETE' })
  })

  it('keeps a layer that need not be here as long as a manifest names it, and counts it for nobody', async () => {
    const [here, elsewhere] = [someBytes(5_000), someBytes(10)]
    const type = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip'
    const base = someImage([700])
    const document = JSON.parse(base.manifest.toString()) as { layers: object[] }
    for (const bytes of [here, elsewhere]) {
      document.layers.push({ mediaType: type, digest: sha256(bytes), size: bytes.length, urls: ['https://x.example/'] })
    }
    const manifest = Buffer.from(JSON.stringify(document))
    await client().postBlob(here)
    expect((await client().pushImage({ ...base, manifest, digest: sha256(manifest) }, 'windows')).status).toBe(201)
    await age()
    expect(await collect()).toMatchObject({ eligibleBlobs: 0 })
    expect((await client().fetch(`blobs/${sha256(here)}`)).status).toBe(200)
    expect((await client().fetch(`blobs/${sha256(here)}`, { method: 'DELETE' })).status).toBe(405)
    const used = () => world.sql<{ used: number }>(`SELECT used::int AS used FROM registry.project WHERE id = 1`)
    expect(await used()).toEqual([{ used: 700 + base.config.length }])
    expect((await client().fetch(`manifests/${sha256(manifest)}`, { method: 'DELETE' })).status).toBe(202)
    expect(await used()).toEqual([{ used: 0 }])
    await age()
    expect(await collect()).toMatchObject({ purgedBlobs: 3 })
  })

  it('only looks in a dry run', async () => {
    const image = someImage([500])
    await client().pushImage(image)
    await client().postBlob(someBytes(70))
    await age()
    const run = await collect({ dryRun: true, deleteUntagged: true })
    expect(run).toMatchObject({
      state: 'finished',
      eligibleManifests: 1,
      eligibleBlobs: 3,
      eligibleBytes: 570 + image.config.length,
      purgedBlobs: 0,
      freedBytes: 0,
    })
    expect([await rows('manifest'), await rows('blob'), await stored()]).toEqual([1, 3, 3])
    expect((await client().fetch(`manifests/${image.digest}`)).status).toBe(200)
  })

  it('runs once at a time, can be stopped, and goes on where it was', async () => {
    await client().postBlob(someBytes(1_000))
    await age()
    const begun = await upToGrace()
    expect(begun).toMatchObject({ state: 'running', phase: 'grace' })
    await expect(step({ options })).rejects.toMatchObject({ code: 'CONFLICT', detail: { run: begun.run } })
    expect(await step({ run: begun.run, action: 'stop' })).toMatchObject({ state: 'stopped' })
    expect(await step({ run: begun.run })).toMatchObject({ state: 'stopped', waitMs: 0 })
    expect([await rows('blob'), await stored()]).toEqual([1, 1])
    expect(await runGc(step, { options, resume: begun.run })).toMatchObject({
      run: begun.run,
      state: 'finished',
      freedBytes: 1_000,
    })
    await expect(step({ run: 1_000_000 })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it('stops a scheduled run that would remove a great part of what is stored, until it is forced', async () => {
    await client().postBlob(someBytes(1_000))
    await client().postBlob(someBytes(2_000))
    await world.sql('UPDATE registry.blob SET size = size * 10000000')
    await age()
    const lines: string[] = []
    const refused = await collect({}, { onLine: (line) => lines.push(line) })
    expect(refused).toMatchObject({ state: 'refused', eligibleBlobs: 2, purgedBlobs: 0 })
    expect(lines.at(-1)).toContain('force the run')
    expect([await rows('blob'), await stored()]).toEqual([2, 2])
    expect(await collect({ force: true })).toMatchObject({ state: 'finished', freedBytes: 30_000_000_000 })
  })

  it('removes the bytes that a step left which was broken off after the rows were gone', async () => {
    await client().postBlob(someBytes(5_000))
    await age()
    const begun = await upToGrace()
    // As a kill leaves it: the row is gone, the key in the trash, and nobody has removed the bytes.
    await world.sql(`WITH gone AS (DELETE FROM registry.blob RETURNING storage_key, size)
      INSERT INTO registry.trash (storage_key, size) SELECT * FROM gone`)
    expect(await stored()).toBe(1)
    expect(await runGc((request) => step({ ...request, run: begun.run }), { options })).toMatchObject({
      state: 'finished',
    })
    expect([await stored(), await rows('trash')]).toEqual([0, 0])
  })

  it('does not count bytes as freed that were gone before', async () => {
    const [gone, there] = [someBytes(4_000), someBytes(500)]
    for (const bytes of [gone, there]) await client().postBlob(bytes)
    const [row] = await world.sql<{ key: string }>(
      'UPDATE registry.blob SET corrupt_at = now() WHERE size = 4000 RETURNING storage_key AS key',
    )
    await rm(`${world.storageRoot}/${row?.key}`)
    await age()
    expect(await collect()).toMatchObject({ purgedBlobs: 2, freedBytes: 500 })
    expect([await rows('blob'), await rows('trash'), await stored()]).toEqual([0, 0, 0])
  })

  it('frees the blobs a run of many batches finds, each counted once', async () => {
    await world.sql(`INSERT INTO registry.blob (digest, size, storage_key, touched_at)
      SELECT 'sha256:' || lpad(to_hex(n), 64, '0'), n, 'blobs/sha256/00/' || lpad(to_hex(n), 64, '0') || '/x.1', '2020-01-01'
      FROM generate_series(1, 3456) n`)
    const run = await collect({ workers: 4 })
    expect(run).toMatchObject({ purgedBlobs: 3456, freedBytes: (3456 * 3457) / 2, eligibleBlobs: 3456 })
    expect([await rows('blob'), await rows('trash')]).toEqual([0, 0])
  })
})

describe('untagged manifests', () => {
  it('stay unless the run is to delete them', async () => {
    await client().pushImage(someImage([10]))
    await age()
    expect(await collect()).toMatchObject({ purgedManifests: 0, purgedBlobs: 0 })
    expect(await rows('manifest')).toBe(1)
  })

  it('go with their blobs in one run, and leave what is tagged, in an index, or about something that stays', async () => {
    const [lost, tagged, child, alone] = [
      someImage([1_000]),
      someImage([2_000]),
      someImage([3_000]),
      someImage([4_000]),
    ]
    const subject = {
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      digest: tagged.digest,
      size: tagged.manifest.length,
    }
    const referrer = someImage([50], { subject })
    const index = indexOf([child])
    const gone = indexOf([alone])
    const lostSubject = { ...subject, digest: lost.digest, size: lost.manifest.length }
    const signature = someImage([60], { subject: lostSubject })
    await client().pushImage(lost)
    await client().pushImage(tagged, 'tagged')
    for (const image of [child, alone, referrer, signature]) await client().pushImage(image)
    const type = 'application/vnd.oci.image.index.v1+json'
    expect((await client().putManifest('index', index.manifest, type)).status).toBe(201)
    expect((await client().putManifest(gone.digest, gone.manifest, type)).status).toBe(201)
    await age()
    const bytesOf = (image: typeof lost) => image.config.length + image.layers.reduce((sum, one) => sum + one.length, 0)
    const freed = bytesOf(lost) + bytesOf(alone) + bytesOf(signature)
    const dry = await collect({ deleteUntagged: true, dryRun: true })
    expect(dry).toMatchObject({ eligibleManifests: 4, eligibleBlobs: 6, eligibleBytes: freed })
    const run = await collect({ deleteUntagged: true, workers: 2 })
    expect(run).toMatchObject({ purgedManifests: 4, purgedBlobs: 6, freedBytes: freed })
    for (const { digest } of [tagged, child, referrer, index]) {
      expect((await client().fetch(`manifests/${digest}`)).status).toBe(200)
    }
    for (const { digest } of [lost, alone, gone, signature]) {
      expect((await client().fetch(`manifests/${digest}`)).status).toBe(404)
    }
    const [{ used } = { used: -1 }] = await world.sql<{ used: number }>(
      `SELECT used::int AS used FROM registry.project WHERE name = 'library'`,
    )
    expect(used).toBe(bytesOf(tagged) + bytesOf(child) + bytesOf(referrer))
  })

  it('that are young, or were taken over without their tags, stay', async () => {
    const [adopted, young] = [someImage(), someImage()]
    await client().pushImage(adopted)
    await age()
    await world.sql('UPDATE registry.manifest SET adopted_at = now()')
    await client().pushImage(young)
    expect(await collect({ deleteUntagged: true })).toMatchObject({ eligibleManifests: 0, purgedManifests: 0 })
    expect(await rows('manifest')).toBe(2)
    await world.sql('UPDATE registry.manifest SET adopted_at = NULL')
  })

  it('that are pushed again after they were found stay, for an index may be about to name them', async () => {
    const [again, left] = [someImage(), someImage()]
    for (const image of [again, left]) await client().pushImage(image)
    await age()
    const database = openDatabase({
      url: world.databaseUrl,
      service: 'registry',
      schema: 'registry',
      log: silentLogger,
    })
    try {
      const collectOne = collectManifest({ database, onChange: () => undefined, log: silentLogger })
      const engine = gcEngine({
        database,
        storage: await openStorageOf(world.storage),
        windowMs: 3_600_000,
        graceMs: 0,
        async deleteUntagged(manifest, windowMs) {
          if (manifest.digest === again.digest) {
            expect((await client().putManifest(again.digest, again.manifest)).status).toBe(201)
          }
          await collectOne(manifest, windowMs)
        },
      })
      const run = await runGc(engine, { options: { ...options, deleteUntagged: true } })
      expect(run).toMatchObject({ state: 'finished', eligibleManifests: 2, purgedManifests: 1 })
    } finally {
      await database.close()
    }
    const index = indexOf([again])
    const type = 'application/vnd.oci.image.index.v1+json'
    expect((await client().putManifest('index', index.manifest, type)).status).toBe(201)
    expect((await client().fetch(`manifests/${left.digest}`)).status).toBe(404)
  })
})

describe('a push beside garbage collection', () => {
  it('that was told by HEAD that a blob is there finds it there, however the collection goes on', async () => {
    const image = someImage([2_000])
    await client().pushImage(image)
    await client().fetch(`manifests/${image.digest}`, { method: 'DELETE' })
    await age()
    const begun = await upToGrace()
    expect(begun).toMatchObject({ phase: 'grace', eligibleBlobs: 2 })
    // Everything is condemned; HEAD says yes, and so the client leaves the upload out.
    for (const blob of [image.config, ...image.layers]) {
      expect((await client().fetch(`blobs/${sha256(blob)}`, { method: 'HEAD' })).status).toBe(200)
    }
    const run = await runGc((request) => step({ ...request, run: begun.run }), { options })
    expect(run).toMatchObject({ state: 'finished', purgedBlobs: 0, freedBytes: 0 })
    expect((await client().putManifest('again', image.manifest)).status).toBe(201)
    const got = await client().fetch(`blobs/${sha256(image.layers[0] as Buffer)}`)
    expect(Buffer.from(await got.arrayBuffer())).toEqual(image.layers[0])
  })

  it('is told that a blob is gone once it is, by HEAD, mount and manifest, and may send it again', async () => {
    const image = someImage([2_000])
    for (const blob of [image.config, ...image.layers]) await client().postBlob(blob)
    await age()
    expect(await collect()).toMatchObject({ purgedBlobs: 2 })
    const layer = image.layers[0] as Buffer
    expect((await client().fetch(`blobs/${sha256(layer)}`, { method: 'HEAD' })).status).toBe(404)
    const access = [accessTo('library/other', ['pull', 'push']), accessTo('library/gc', ['pull'])]
    const other = new RegistryClient(replica.url, 'library/other', `Bearer ${world.token({ access })}`)
    const mounted = await other.fetch(`blobs/uploads/?mount=${sha256(layer)}&from=library/gc`, { method: 'POST' })
    expect(mounted.status).toBe(202)
    const refused = await client().putManifest('x', image.manifest)
    expect([refused.status, await codeOf(refused)]).toEqual([404, 'MANIFEST_BLOB_UNKNOWN'])
    expect((await client().pushImage(image, 'x')).status).toBe(201)
    expect((await client().fetch(`blobs/${sha256(layer)}`)).status).toBe(200)
  })

  it('waits for a sweep that has a blob in hand, and is answered by what became of it', async () => {
    const image = someImage([2_000])
    const digests = [image.config, ...image.layers].map(sha256)
    for (const blob of [image.config, ...image.layers]) await client().postBlob(blob)
    const sweeper = new (await import('pg')).default.Client({ connectionString: world.databaseUrl })
    await sweeper.connect()
    try {
      await sweeper.query('BEGIN')
      await sweeper.query('SELECT id FROM registry.blob WHERE digest = ANY($1) ORDER BY id FOR UPDATE', [digests])
      await world.sql('SELECT 1')
      const waiting = Promise.all([
        client().putManifest('late', image.manifest),
        client('library/elsewhere').postBlob(image.config),
      ])
      await expect
        .poll(() => world.sql(`SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'`), { timeout: 10_000 })
        .toHaveLength(2)
      await sweeper.query(
        `WITH gone AS (DELETE FROM registry.blob WHERE digest = ANY($1) RETURNING storage_key, size)
        INSERT INTO registry.trash (storage_key, size) SELECT * FROM gone`,
        [digests],
      )
      await sweeper.query('COMMIT')
      const [put, posted] = await waiting
      expect([put.status, await codeOf(put)]).toEqual([404, 'MANIFEST_BLOB_UNKNOWN'])
      expect(posted.status).toBe(201)
    } finally {
      await sweeper.end()
    }
    const got = await client('library/elsewhere').fetch(`blobs/${digests[0]}`)
    expect(Buffer.from(await got.arrayBuffer())).toEqual(image.config)
  })

  it('revives a condemned blob by sending it, and the second copy goes', async () => {
    const blob = someBytes(3_000)
    await client().postBlob(blob)
    await age()
    const begun = await upToGrace()
    expect((await client('library/second').pushBlob(blob)).status).toBe(201)
    const run = await runGc((request) => step({ ...request, run: begun.run }), { options })
    expect(run).toMatchObject({ purgedBlobs: 0 })
    for (const name of ['library/gc', 'library/second']) {
      const got = await client(name).fetch(`blobs/${sha256(blob)}`)
      expect(Buffer.from(await got.arrayBuffer())).toEqual(blob)
    }
    await world.sweep()
    expect([await rows('blob'), await stored()]).toEqual([1, 1])
  })
})
