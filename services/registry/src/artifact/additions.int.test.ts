import { gzipSync, zstdCompressSync } from 'node:zlib'
import { type Database, openDatabase } from '@berth/db'
import { silentLogger } from '@berth/runtime'
import { INDEX_TYPE, indexOf, MANIFEST_TYPE, sha256, someImage } from '@berth/testkit'
import { pack } from 'tar-stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { filesystemStorage } from '../storage/index.ts'
import { RegistryClient } from '../testing/registry-client.ts'
import { openWorld, type World } from '../testing/test-world.ts'
import { type Additions, additions, MAX_ADDITION_BYTES } from './additions.ts'

const HELM_CONFIG = 'application/vnd.cncf.helm.config.v1+json'
const HELM_CHART = 'application/vnd.cncf.helm.chart.content.v1.tar+gzip'
const IMAGE_CONFIG = 'application/vnd.oci.image.config.v1+json'
const MODEL_CONFIG = 'application/vnd.cncf.model.config.v1+json'
const EMPTY = 'application/vnd.oci.empty.v1+json'

let world: World
let database: Database
let additionsOf: Additions
let app: RegistryClient
let repositoryId: number

beforeAll(async () => {
  world = await openWorld()
  const replica = await world.startReplica()
  app = new RegistryClient(replica.url, 'library/app', `Bearer ${world.tokenFor('library/app')}`)
  await app.pushImage(someImage())
  const [row] = await world.sql<{ id: number }>(`SELECT id::int FROM registry.repository WHERE name = 'library/app'`)
  repositoryId = row?.id ?? 0
  database = openDatabase({ url: world.databaseUrl, service: 'registry', schema: 'registry', log: silentLogger })
  additionsOf = additions(database, await filesystemStorage(world.storageRoot))
})
afterAll(async () => {
  await database?.close()
  await world?.stop()
})

type Layer = [mediaType: string, bytes: Buffer, annotations?: Record<string, string>]

async function push(configType: string, config: unknown, layers: Layer[] = [], extra = {}): Promise<string> {
  const bytes = Buffer.from(JSON.stringify(config))
  for (const blob of [bytes, ...layers.map(([, layer]) => layer)]) expect((await app.postBlob(blob)).status).toBe(201)
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST_TYPE,
      config: { mediaType: configType, digest: sha256(bytes), size: bytes.length },
      layers: layers.map(([mediaType, layer, annotations]) => ({
        mediaType,
        digest: sha256(layer),
        size: layer.length,
        ...(annotations && { annotations }),
      })),
      ...extra,
    }),
  )
  expect((await app.putManifest(sha256(manifest), manifest)).status).toBe(201)
  return sha256(manifest)
}

async function tarOf(...entries: [name: string, content: string | Buffer][]): Promise<Buffer> {
  const archive = pack()
  for (const [name, content] of entries) archive.entry({ name }, content as string)
  archive.finalize()
  const chunks: Buffer[] = []
  for await (const chunk of archive) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

async function read(digest: string, name: string): Promise<[contentType: string, text: string]> {
  const { contentType, bytes } = await additionsOf.read(repositoryId, digest, name)
  return [contentType, bytes.toString()]
}

const failure = (code: string, message?: RegExp) => ({
  code,
  ...(message && { message: expect.stringMatching(message) as string }),
})

describe('the additions of an image', () => {
  it('are how it was built', async () => {
    const history = [{ created_by: 'COPY / /' }, { created_by: 'CMD ["sh"]', empty_layer: true }]
    const digest = await push(IMAGE_CONFIG, { architecture: 'amd64', os: 'linux', history })
    const [contentType, text] = await read(digest, 'BUILD_HISTORY')
    expect(contentType).toBe('application/json; charset=utf-8')
    expect(JSON.parse(text)).toEqual(history)
    expect(await read(await push(IMAGE_CONFIG, { os: 'linux' }), 'build_history')).toEqual([contentType, 'null'])
  })

  it('are not those of other kinds, and an index has none', async () => {
    const image = someImage()
    await app.pushImage(image)
    await expect(read(image.digest, 'values.yaml')).rejects.toMatchObject(
      failure('BAD_REQUEST', /VALUES.YAML isn't supported for IMAGE/),
    )
    const index = indexOf([image])
    await app.putManifest('index', index.manifest, INDEX_TYPE)
    await expect(read(index.digest, 'build_history')).rejects.toMatchObject(failure('BAD_REQUEST'))
    const other = await push('application/vnd.acme.rocket.config.v1+json', {})
    await expect(read(other, 'readme.md')).rejects.toMatchObject(
      failure('BAD_REQUEST', /processor for artifact ROCKET not found/),
    )
    await expect(read(sha256('missing'), 'build_history')).rejects.toMatchObject(failure('NOT_FOUND'))
    await expect(read(await push(IMAGE_CONFIG, 'no object'), 'build_history')).rejects.toMatchObject(
      failure('NOT_FOUND'),
    )
  })

  it('are no longer than an answer may be', async () => {
    const history = Array.from({ length: 10_000 }, () => ({ created_by: 'x'.repeat(60) }))
    const digest = await push(IMAGE_CONFIG, { history })
    await expect(read(digest, 'build_history')).rejects.toMatchObject(failure('REQUEST_ENTITY_TOO_LARGE'))
  })
})

describe('the additions of a chart', () => {
  const chartOf = async (...entries: [string, string | Buffer][]): Promise<Layer> => [
    HELM_CHART,
    gzipSync(await tarOf(...entries)),
  ]

  it('are its values, its readme and what it depends on', async () => {
    const dependencies = [{ name: 'redis', version: '1', repository: 'https://example.com' }]
    const digest = await push(HELM_CONFIG, { name: 'app', version: '1.0.0', dependencies }, [
      await chartOf(
        ['app/charts/redis/values.yaml', 'of: redis'],
        ['app/values.yaml', 'a: 1\n'],
        ['app/README.md', '# App'],
      ),
      ['application/vnd.cncf.helm.chart.provenance.v1.prov', Buffer.from('signed')],
    ])
    expect(await read(digest, 'values.yaml')).toEqual(['text/plain; charset=utf-8', 'a: 1\n'])
    expect(await read(digest, 'readme.md')).toEqual(['text/markdown; charset=utf-8', '# App'])
    expect(JSON.parse((await read(digest, 'dependencies'))[1])).toEqual(dependencies)
  })

  it('are not found where it has none', async () => {
    const digest = await push(HELM_CONFIG, { name: 'bare' }, [await chartOf(['bare/Chart.yaml', 'name: bare'])])
    await expect(read(digest, 'values.yaml')).rejects.toMatchObject(failure('NOT_FOUND'))
    expect((await read(digest, 'dependencies'))[1]).toBe('[]')
    const broken = await push(HELM_CONFIG, { name: 'broken' }, [[HELM_CHART, Buffer.from('no archive')]])
    await expect(read(broken, 'readme.md')).rejects.toMatchObject(failure('NOT_FOUND'))
    await expect(read(await push(HELM_CONFIG, { name: 'empty' }), 'readme.md')).rejects.toMatchObject(
      failure('NOT_FOUND'),
    )
  })

  it('are refused where a bomb stands before them, many at once', async () => {
    const bomb = await chartOf(['app/zeros', Buffer.alloc(40 * 1024 * 1024)], ['app/values.yaml', 'a: 1'])
    const digest = await push(HELM_CONFIG, { name: 'bomb' }, [bomb])
    const answers = await Promise.allSettled(Array.from({ length: 12 }, () => read(digest, 'values.yaml')))
    const codes = answers.map((one) => (one.status === 'rejected' ? (one.reason as { code: string }).code : 'read'))
    expect(new Set(codes)).toEqual(new Set(['REQUEST_ENTITY_TOO_LARGE']))
    const long = await chartOf(['app/values.yaml', Buffer.alloc(MAX_ADDITION_BYTES + 1, 0x20)])
    await expect(read(await push(HELM_CONFIG, { name: 'long' }, [long]), 'values.yaml')).rejects.toMatchObject(
      failure('REQUEST_ENTITY_TOO_LARGE'),
    )
  })
})

describe('the additions of a model', () => {
  it('are its documents, however they are packed, and its files', async () => {
    const at = (path: string) => ({ 'org.cncf.model.filepath': path })
    const digest = await push(MODEL_CONFIG, { descriptor: { name: 'm' } }, [
      ['application/vnd.cncf.model.doc.v1.tar', await tarOf(['README.md', '# Model']), at('README.md')],
      ['application/vnd.cncf.model.doc.v1.tar+zstd', zstdCompressSync(await tarOf(['LICENSE', 'MIT'])), at('LICENSE')],
      ['application/vnd.cncf.model.weight.v1.raw', Buffer.from('weights'), at('weights/part/1.bin')],
      ['application/vnd.cncf.model.code.v1.raw', Buffer.from('code'), at('code/run.py')],
    ])
    expect(await read(digest, 'readme')).toEqual(['text/markdown; charset=utf-8', '# Model'])
    expect(await read(digest, 'README.MD')).toEqual(['text/markdown; charset=utf-8', '# Model'])
    expect(await read(digest, 'license')).toEqual(['text/plain; charset=utf-8', 'MIT'])
    expect(JSON.parse((await read(digest, 'files'))[1])).toEqual([
      { name: 'code', type: 'directory', children: [{ name: 'run.py', type: 'file', size: 4 }] },
      {
        name: 'weights',
        type: 'directory',
        children: [{ name: 'part', type: 'directory', children: [{ name: '1.bin', type: 'file', size: 7 }] }],
      },
      { name: 'LICENSE', type: 'file', size: expect.any(Number) as number },
      { name: 'README.md', type: 'file', size: expect.any(Number) as number },
    ])
  })

  it('are not lost in endless paths', async () => {
    const deep = Array.from(
      { length: 3 },
      (_, n) =>
        ['text/plain', Buffer.from(`${n}`), { 'org.cncf.model.filepath': `${'a/'.repeat(200_000)}${n}` }] as Layer,
    )
    const digest = await push(MODEL_CONFIG, {}, [
      ...deep,
      ['text/plain', Buffer.from('x'), { 'org.cncf.model.filepath': './x' }],
    ])
    expect(JSON.parse((await read(digest, 'files'))[1])).toEqual([{ name: 'x', type: 'file', size: 1 }])
    await expect(read(digest, 'license')).rejects.toMatchObject(failure('NOT_FOUND'))
  })
})

describe('the addition of an SBOM', () => {
  it('is its one layer', async () => {
    const extra = { artifactType: 'application/vnd.goharbor.harbor.sbom.v1' }
    const layer: Layer = ['application/spdx+json', Buffer.from('{"spdx":1}')]
    const digest = await push(EMPTY, {}, [layer], extra)
    expect(await read(digest, 'sbom')).toEqual(['application/vnd.goharbor.harbor.sbom.v1', '{"spdx":1}'])
    await expect(read(await push(EMPTY, {}, [], extra), 'sbom')).rejects.toMatchObject(failure('NOT_FOUND'))
  })
})
