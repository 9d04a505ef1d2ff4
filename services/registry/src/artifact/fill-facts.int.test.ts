import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openDatabase } from '@berth/db'
import { silentLogger } from '@berth/runtime'
import { INDEX_TYPE, indexOf, MANIFEST_TYPE, sha256, someImage } from '@berth/testkit'
import { artifactSearch } from '@berth/types'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { filesystemStorage } from '../storage/index.ts'
import { RegistryClient } from '../testing/registry-client.ts'
import { openWorld, type Replica, type World } from '../testing/test-world.ts'
import { fillFacts } from './fill-facts.ts'

interface Row {
  kind: string
  extra_attrs: Record<string, unknown> | null
  icon: string | null
  total_size: number
  accessory_type: string | null
  shown: boolean
  annotations: Record<string, string> | null
}

let world: World
let one: Replica
let two: Replica

beforeAll(async () => {
  world = await openWorld()
  one = await world.startReplica()
  two = await world.startReplica()
})
afterAll(() => world?.stop())

const client = (name: string, replica = one) => new RegistryClient(replica.url, name, `Bearer ${world.tokenFor(name)}`)

/** Waits until the facts of a digest have been found, wherever it is. */
async function factsOf(digest: string): Promise<Row> {
  let row: Row | undefined
  await expect
    .poll(
      async () => {
        ;[row] = await world.sql<Row>(
          `SELECT kind, extra_attrs, icon, total_size::int, accessory_type, shown, annotations
           FROM registry.manifest WHERE digest = $1 AND facts_at IS NOT NULL`,
          [digest],
        )
        return row !== undefined
      },
      { timeout: 10_000 },
    )
    .toBe(true)
  return row as Row
}

function descriptor(mediaType: string, bytes: Buffer, more: Record<string, unknown> = {}) {
  return { mediaType, digest: sha256(bytes), size: bytes.length, ...more }
}

/** Pushes an artifact of a config and layers; answers its digest. */
async function push(
  app: RegistryClient,
  config: [mediaType: string, bytes: Buffer | object, more?: Record<string, unknown>],
  layers: [mediaType: string, bytes: Buffer, more?: Record<string, unknown>][] = [],
  extra: Record<string, unknown> = {},
): Promise<string> {
  const [type, value, more] = config
  const bytes = Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value))
  for (const blob of [bytes, ...layers.map(([, layer]) => layer)]) expect((await app.postBlob(blob)).status).toBe(201)
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST_TYPE,
      config: descriptor(type, bytes, more),
      layers: layers.map(([layerType, layer, rest]) => descriptor(layerType, layer, rest)),
      ...extra,
    }),
  )
  expect((await app.putManifest(sha256(manifest), manifest)).status).toBe(201)
  return sha256(manifest)
}

const IMAGE_CONFIG = 'application/vnd.oci.image.config.v1+json'

describe('the facts of an artifact', () => {
  it('say what the config of an image says', async () => {
    const digest = await push(client('library/image'), [
      IMAGE_CONFIG,
      {
        created: '2026-01-02T03:04:05Z',
        architecture: 'arm64',
        os: 'linux',
        config: { Env: ['PATH=/bin'], Cmd: ['sh'], Labels: { maintainer: 'Ada\u0000' }, Strange: true },
        rootfs: { type: 'layers', diff_ids: [] },
        history: [{ created_by: 'RUN' }],
      },
    ])
    expect(await factsOf(digest)).toMatchObject({
      kind: 'IMAGE',
      extra_attrs: {
        architecture: 'arm64',
        author: 'Ada\u0000',
        config: { Env: ['PATH=/bin'], Cmd: ['sh'], Labels: { maintainer: 'Ada\u0000' } },
        created: '2026-01-02T03:04:05Z',
        os: 'linux',
      },
    })
  })

  it('say everything the config of a chart and of a model says', async () => {
    const chart = { name: 'nginx', version: '1.2.3', appVersion: '9', maintainers: [{ name: 'Ada' }] }
    const digest = await push(client('library/chart'), ['application/vnd.cncf.helm.config.v1+json', chart])
    expect(await factsOf(digest)).toMatchObject({ kind: 'CHART', extra_attrs: chart })
    const model = { descriptor: { name: 'llama' }, config: { paramSize: '8b' } }
    const other = await push(client('library/model'), ['application/vnd.cncf.model.config.v1+json', model])
    expect(await factsOf(other)).toMatchObject({ kind: 'CNAI', extra_attrs: model })
  })

  it('of a bundle come from the config of its child', async () => {
    const app = client('library/bundle')
    const config = { schemaVersion: 'v1', name: 'hello', version: '0.1.0' }
    const child = await push(app, ['application/vnd.cnab.config.v1+json', config])
    const [row] = await world.sql<{ size: number }>('SELECT size::int FROM registry.manifest WHERE digest = $1', [
      child,
    ])
    const index = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: INDEX_TYPE,
        annotations: { 'org.opencontainers.artifactType': 'application/vnd.cnab.manifest.v1' },
        manifests: [
          {
            mediaType: MANIFEST_TYPE,
            digest: child,
            size: row?.size,
            annotations: { 'io.cnab.manifest.type': 'config' },
          },
        ],
      }),
    )
    await app.putManifest('hello', index, INDEX_TYPE)
    expect(await factsOf(sha256(index))).toMatchObject({ kind: 'CNAB', extra_attrs: config })
  })

  it('of a type of somebody else’s leave out what it skips, and have its icon', async () => {
    const prefix = 'io.goharbor.artifact.v1alpha1'
    const png = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.from('a picture')])
    const digest = await push(
      client('library/rocket'),
      [
        'application/vnd.acme.rocket.config.v1+json',
        { a: 1, b: 2, c: 3 },
        { annotations: { [`${prefix}.skip-list`]: 'a,c' } },
      ],
      [['image/png', png, { annotations: { [`${prefix}.icon`]: '' } }]],
    )
    expect(await factsOf(digest)).toMatchObject({ kind: 'ROCKET', extra_attrs: { b: 2 }, icon: sha256(png) })
    const text = await push(
      client('library/rocket'),
      ['application/vnd.acme.rocket.config.v1+json', { d: 4 }],
      [['image/png', Buffer.from('no picture'), { annotations: { [`${prefix}.icon`]: '' } }]],
    )
    expect(await factsOf(text)).toMatchObject({ extra_attrs: { d: 4 }, icon: null })
  })

  it('are done with where the config is no config', async () => {
    const app = client('library/strange')
    const nested = Buffer.from(`${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}`)
    for (const config of [Buffer.from('not JSON'), Buffer.from('[1]'), Buffer.alloc(5 * 1024 * 1024, 0x20)]) {
      expect(await factsOf(await push(app, [IMAGE_CONFIG, config]))).toMatchObject({ kind: 'IMAGE', extra_attrs: null })
    }
    const chart = 'application/vnd.cncf.helm.config.v1+json'
    expect(await factsOf(await push(app, [chart, nested]))).toMatchObject({ kind: 'CHART' })
    const long = { name: 'long', readme: 'x'.repeat(1_000_000) }
    expect(await factsOf(await push(app, [chart, long]))).toMatchObject({ extra_attrs: { name: 'long' } })
  })

  it('hold nothing that is nested so deep that nobody can say it', async () => {
    const name = 'library/deep'
    const chart = 'application/vnd.cncf.helm.config.v1+json'
    for (const depth of [30, 150, 1_000, 4_400]) {
      const config = Buffer.from(`{"name":"${depth}","deep":${'[{"a":'.repeat(depth / 2)}1${'}]'.repeat(depth / 2)}}`)
      expect(await factsOf(await push(client(name), [chart, config]))).toMatchObject({ kind: 'CHART' })
    }
    const asked = {
      project: { id: 1, accessRevision: 1 },
      repository: name,
      latestInRepository: false,
      page: 1,
      pageSize: 50,
      brief: false,
    }
    const { artifacts } = await world.bus.ask(artifactSearch, asked)
    const deep = artifacts.filter(({ extraAttrs }) => extraAttrs?.deep !== undefined)
    expect([artifacts.length, deep.map(({ extraAttrs }) => extraAttrs?.name)]).toEqual([4, ['30']])
  })

  it('are found when the config can be read again', async () => {
    const app = client('library/later')
    const image = someImage()
    await app.pushImage(image)
    await factsOf(image.digest)
    const [row] = await world.sql<{ storage_key: string }>('SELECT storage_key FROM registry.blob WHERE digest = $1', [
      sha256(image.config),
    ])
    const file = join(world.storageRoot, row?.storage_key ?? '')
    const bytes = await readFile(file)
    await rename(file, `${file}.away`)
    await world.sql('UPDATE registry.manifest SET facts_at = NULL, extra_attrs = NULL WHERE digest = $1', [
      image.digest,
    ])
    const other = someImage()
    await app.pushImage(other)
    expect((await factsOf(image.digest)).extra_attrs).toBeNull()
    // What was missing is there again, and somebody pushes the same manifest once more.
    await writeFile(file, bytes)
    await app.putManifest(image.digest, image.manifest)
    await expect.poll(async () => (await factsOf(image.digest)).extra_attrs).toMatchObject({ architecture: 'amd64' })
  })

  it('of before there were any are found on whichever replica starts', async () => {
    const app = client('library/older')
    const [a, b] = [someImage([100]), someImage([200])]
    for (const image of [a, b]) await app.pushImage(image)
    const index = indexOf([a, b])
    await app.putManifest('all', index.manifest, INDEX_TYPE)
    const signature = someImage([10], {
      artifactType: 'application/vnd.cncf.notary.signature',
      subject: { mediaType: INDEX_TYPE, digest: index.digest, size: index.manifest.length },
    })
    await app.pushImage(signature)
    const digests = [a, b, index, signature].map(({ digest }) => digest)
    await Promise.all(digests.map(factsOf))
    const read = () =>
      world.sql(
        `SELECT digest, kind, config_digest, config_media_type, total_size, accessory_type, accessory_of, annotations::text,
           extra_attrs::text, shown FROM registry.manifest WHERE digest = ANY($1) ORDER BY id`,
        [digests],
      )
    const before = await read()
    await world.sql(
      `UPDATE registry.manifest SET kind = 'UNKNOWN', config_digest = NULL, config_media_type = NULL, total_size = 0,
         accessory_type = NULL, accessory_of = NULL, annotations = NULL, extra_attrs = NULL, shown = true, facts_at = NULL
       WHERE digest = ANY($1)`,
      [digests],
    )
    await world.sql('UPDATE registry.manifest_child SET position = 0')
    const [third, fourth] = await Promise.all([world.startReplica(), world.startReplica()])
    await expect.poll(read, { timeout: 10_000 }).toEqual(before)
    const positions = await world.sql<{ position: number }>(
      `SELECT c.position FROM registry.manifest_child c JOIN registry.manifest m ON m.id = c.parent_id
       WHERE m.digest = $1 ORDER BY c.child_id`,
      [index.digest],
    )
    expect(positions.map(({ position }) => position)).toEqual([0, 1])
    await Promise.all([third?.stop(), fourth?.stop()])
  })

  it('wait for a storage that fails, and hold nobody else up', async () => {
    const app = client('library/waiting')
    const [image, chart] = [someImage(), someImage()]
    const noConfig = await push(app, ['application/vnd.oci.empty.v1+json', {}])
    for (const one of [image, chart]) await app.pushImage(one)
    const digests = [image.digest, chart.digest, noConfig]
    await Promise.all(digests.map(factsOf))
    await Promise.all([one.stop(), two.stop()])
    await world.sql('UPDATE registry.manifest SET facts_at = NULL, extra_attrs = NULL WHERE digest = ANY($1)', [
      digests,
    ])
    const left = async () => {
      const rows = await world.sql<{ digest: string }>('SELECT digest FROM registry.manifest WHERE facts_at IS NULL')
      return rows.map(({ digest }) => digest).sort()
    }
    const database = openDatabase({
      url: world.databaseUrl,
      service: 'registry',
      schema: 'registry',
      log: silentLogger,
    })
    try {
      const storage = await filesystemStorage(world.storageRoot)
      const read = async () => Promise.reject(new Error('the disk is on fire'))
      expect(await fillFacts({ database, storage: { ...storage, read }, log: silentLogger })).toBe(1)
      expect(await left()).toEqual([image.digest, chart.digest].sort())
      expect(await fillFacts({ database, storage, log: silentLogger })).toBe(2)
      expect(await left()).toEqual([])
    } finally {
      await database.close()
      one = await world.startReplica()
      two = await world.startReplica()
    }
  })

  it('are found of everything that is pushed to two replicas at once', async () => {
    const images = Array.from({ length: 60 }, () => someImage([10]))
    await Promise.all(
      images.map((image, n) => client('library/many', n % 2 === 0 ? one : two).pushImage(image, `${n}`)),
    )
    for (const image of images) {
      expect(await factsOf(image.digest)).toMatchObject({
        kind: 'IMAGE',
        shown: true,
        extra_attrs: { architecture: 'amd64' },
        total_size: image.manifest.length + image.config.length + 10,
      })
    }
  })
})
