import { once } from 'node:events'
import { readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { INDEX_TYPE, indexOf, sha256, someBytes, someImage, type TempDir, tempDir } from '@berth/testkit'
import { type ImmutabilityRule, NO_POLICY, projectPut } from '@berth/types'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { filesystemStorage } from '../storage/index.ts'
import { type Adopting, openAdopting } from '../testing/adopting.ts'
import { distributionTree } from '../testing/distribution-tree.ts'
import { testProject, type World } from '../testing/test-world.ts'

let adopting: Adopting
let world: World
let dir: TempDir
let tree: ReturnType<typeof distributionTree>

beforeAll(async () => {
  adopting = await openAdopting()
  world = adopting.world
})
afterAll(() => adopting?.stop())
beforeEach(async () => {
  await dir?.remove()
  dir = await tempDir('adopted')
  tree = distributionTree(dir.path)
})

const adopt = (...args: string[]) => adopting.run('adopt', args)
const client = (name: string) => adopting.client(name)
const usage = () => adopting.usage()

async function filesIn(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return Promise.all(
    files.sort().map(async (file) => `${file} ${(await stat(file)).mtimeMs} ${sha256(await readFile(file))}`),
  )
}

describe('taking over a storage with tags', () => {
  it('serves what it holds byte for byte, and leaves every file where and as it was', async () => {
    const [one, two] = [someImage([10_000, 0]), someImage([300_000])]
    const at = new Date('2024-05-06T07:08:09Z')
    await tree.image('library/app', one, ['1', 'latest'], at)
    await tree.image('library/app', two, ['2'])
    const index = indexOf([one, two])
    await tree.index('library/app', index, ['multi'])
    await tree.image('library/app/deeper', one, ['1'])
    const before = await filesIn(dir.path)

    const report = await adopt(dir.path)
    expect(report.findings).toEqual([])
    expect(report.remarks).toEqual([])
    expect(report.figures).toMatchObject({
      repositories: 2,
      manifests: 4,
      tags: 5,
      blobs: 5,
      blobBytes: one.config.length + two.config.length + 310_000,
      untaggedKept: 0,
    })
    expect(await filesIn(dir.path)).toEqual(before)

    const app = client('library/app')
    for (const [reference, manifest] of [
      ['1', one.manifest],
      [one.digest, one.manifest],
      ['2', two.manifest],
      ['multi', index.manifest],
    ] as const) {
      const got = await app.fetch(`manifests/${reference}`)
      expect([reference, got.status]).toEqual([reference, 200])
      expect(Buffer.from(await got.arrayBuffer())).toEqual(manifest)
    }
    expect((await app.fetch('manifests/multi')).headers.get('content-type')).toBe(INDEX_TYPE)
    for (const blob of [one.config, ...one.layers, two.config, ...two.layers]) {
      const got = await app.fetch(`blobs/${sha256(blob)}`)
      expect(Buffer.from(await got.arrayBuffer())).toEqual(blob)
    }
    expect(await (await client('library/app/deeper').fetch('tags/list')).json()).toMatchObject({ tags: ['1'] })
    const [pushed] = await world.sql<{ pushed_at: Date; adopted_at: Date | null }>(
      'SELECT pushed_at, adopted_at FROM registry.manifest WHERE digest = $1',
      [one.digest],
    )
    expect(pushed).toEqual({ pushed_at: at, adopted_at: null })
    expect((await usage())?.used).toBe((await usage())?.sum)
    const told = await world.sql('SELECT 1 FROM registry.outbox')
    expect(told).toEqual([])
  })

  it('holds what an index names: its children cannot be deleted under it, and are not listed', async () => {
    const images = [someImage(), someImage()]
    const inner = indexOf([images[0] as (typeof images)[0]])
    const outer = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: INDEX_TYPE,
        manifests: [{ mediaType: INDEX_TYPE, digest: inner.digest, size: inner.manifest.length }],
      }),
    )
    for (const image of images) await tree.image('library/nested', image)
    await tree.manifest('library/nested', outer)
    await tree.index('library/nested', inner)
    await tree.tag('library/nested', 'outer', sha256(outer))
    expect((await adopt(dir.path)).figures).toMatchObject({ manifests: 4, untaggedKept: 3 })
    const app = client('library/nested')
    expect((await app.fetch(`manifests/${inner.digest}`, { method: 'DELETE' })).status).toBe(412)
    const shown = await world.sql<{ digest: string }>(
      `SELECT m.digest FROM registry.manifest m JOIN registry.repository r ON r.id = m.repository_id
       WHERE r.name = 'library/nested' AND m.shown`,
    )
    expect(shown.map(({ digest }) => digest).sort()).toEqual([sha256(outer), images[1]?.digest].sort())
  })

  it('gives bytes back by the key they have, once nobody names them', async () => {
    const image = someImage([500])
    await tree.image('library/gone', image, ['1'])
    await adopt(dir.path)
    const layer = sha256(image.layers[0] as Buffer)
    const [row] = await world.sql<{ storage_key: string }>('SELECT storage_key FROM registry.blob WHERE digest = $1', [
      layer,
    ])
    const storage = await filesystemStorage(world.storageRoot)
    await storage.remove([row?.storage_key as never])
    await expect(stat(join(tree.top, tree.dataPath(layer)))).rejects.toThrow('ENOENT')
  })

  it('finds again what has come since, and keeps a tag that was moved here', async () => {
    const [old, moved, fresh] = [someImage(), someImage(), someImage()]
    const at = new Date(Date.now() - 86_400_000)
    await tree.image('library/again', old, ['stays', 'moves'], at)
    expect((await adopt(dir.path)).figures).toMatchObject({ manifests: 1, tags: 2 })
    expect((await client('library/again').pushImage(moved, 'stays')).status).toBe(201)
    await tree.image('library/again', fresh, ['moves', 'new'], new Date(Date.now() - 1_000))
    expect((await adopt(dir.path)).figures).toMatchObject({ manifests: 2, tags: 3 })
    const digestOf = async (tag: string) =>
      (await client('library/again').fetch(`manifests/${tag}`)).headers.get('docker-content-digest')
    expect(await digestOf('stays')).toBe(moved.digest)
    expect(await digestOf('moves')).toBe(fresh.digest)
    expect(await digestOf('new')).toBe(fresh.digest)
    expect((await usage())?.used).toBe((await usage())?.sum)
  })

  it('keeps layers that need not be there where they are, and counts them for nobody', async () => {
    const base = someImage([300])
    const foreign = [someBytes(4_000), someBytes(10)]
    const document = JSON.parse(base.manifest.toString()) as { layers: object[] }
    const mediaType = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip'
    for (const bytes of foreign) document.layers.push({ mediaType, digest: sha256(bytes), size: bytes.length })
    const manifest = Buffer.from(JSON.stringify(document))
    const image = { ...base, manifest, digest: sha256(manifest), layers: [...base.layers, foreign[0] as Buffer] }
    await tree.image('library/foreign', image, ['1'])
    const before = (await usage())?.used ?? 0
    expect((await adopt(dir.path)).figures).toMatchObject({ manifests: 1, skippedManifests: 0 })
    expect(await usage()).toEqual({ used: before + 300 + base.config.length, sum: before + 300 + base.config.length })
    const named = await world.sql(
      `SELECT 1 FROM registry.manifest_blob mb JOIN registry.blob b ON b.id = mb.blob_id WHERE b.digest = $1`,
      [sha256(foreign[0] as Buffer)],
    )
    expect(named).toHaveLength(1)
  })

  it('moves no tag that a rule of the project keeps', async () => {
    const [old, fresh] = [someImage(), someImage()]
    await tree.image('library/kept', old, ['v1', 'next'], new Date(Date.now() - 86_400_000))
    expect((await adopt(dir.path)).figures).toMatchObject({ manifests: 1, tags: 2 })
    const rule = { repositories: [], tags: [{ pattern: 'v*', excludes: false }] }
    const put = (revision: number, immutabilityRules: ImmutabilityRule[]) =>
      world.bus.ask(projectPut, { project: testProject({ revision, policy: { ...NO_POLICY, immutabilityRules } }) })
    await put(2, [rule])
    await tree.image('library/kept', fresh, ['v1', 'v2', 'next'], new Date(Date.now() - 1_000))
    const report = await adopt(dir.path)
    await put(3, [])
    expect(report.figures).toMatchObject({ manifests: 2, tags: 2, skippedTags: 1 })
    expect(report.findings).toEqual([
      { what: 'tag', name: 'library/kept v1', why: `it is immutable here, and not moved to ${fresh.digest}` },
    ])
    const digestOf = async (tag: string) =>
      (await client('library/kept').fetch(`manifests/${tag}`)).headers.get('docker-content-digest')
    expect(await Promise.all(['v1', 'v2', 'next'].map(digestOf))).toEqual([old.digest, fresh.digest, fresh.digest])
  })

  it('says what it left out and why, and takes the rest', async () => {
    const [whole, gap, size, bytes, lost] = [someImage(), someImage(), someImage(), someImage(), someImage()]
    for (const image of [whole, gap, size, bytes, lost])
      await tree.image('library/broken', image, [image.digest.slice(-8)])
    await rm(join(tree.top, tree.dataPath(sha256(gap.layers[0] as Buffer))))
    await writeFile(join(tree.top, tree.dataPath(sha256(size.layers[0] as Buffer))), 'short')
    await writeFile(
      join(tree.top, tree.dataPath(bytes.digest)),
      `${bytes.manifest.toString().replace('amd64', 'AMD64')} `,
    )
    await rm(join(tree.top, tree.dataPath(lost.digest)))
    await tree.tag('library/broken', '-not-a-tag', whole.digest)
    await tree.tag('library/broken', 'dangling', sha256('nothing'))
    await tree.image('nginx', someImage(), ['1'])
    await tree.image('library/UPPER', someImage(), ['1'])
    const sparse = indexOf([whole, someImage()])
    await tree.index('library/broken', sparse, ['sparse'])

    const { figures, findings } = await adopt(dir.path)
    expect(figures).toMatchObject({
      manifests: 2,
      tags: 2,
      skippedManifests: 4,
      skippedRepositories: 2,
      incompleteIndexes: 1,
    })
    const why = (name: string) => findings.find((one) => one.name === `library/broken ${name}`)?.why
    expect(why(gap.digest)).toBe(`blob ${sha256(gap.layers[0] as Buffer)} is missing`)
    expect(why(size.digest)).toMatch(/has 5 bytes, not 1000/)
    expect(why(bytes.digest)).toBe('its bytes are not what its digest says')
    expect(why(lost.digest)).toBe('its bytes are missing')
    expect(why(sparse.digest)).toBe('1 of what it names is missing')
    expect(why('-not-a-tag')).toBe('its name is not a tag')
    expect(why('dangling')).toBe(`there is no manifest ${sha256('nothing')}`)
    expect(findings).toContainEqual({ what: 'repository', name: 'nginx', why: 'its name has no project in front' })
    expect(findings).toContainEqual({
      what: 'repository',
      name: 'library/UPPER',
      why: 'its name is not one of a repository',
    })
  })

  it('reads every byte when it is to verify, and only once', async () => {
    const [good, bad] = [someImage([5_000]), someImage([5_000])]
    await tree.image('library/verified', good, ['good'])
    await tree.image('library/verified', bad, ['bad'])
    await writeFile(join(tree.top, tree.dataPath(sha256(bad.layers[0] as Buffer))), someBytes(5_000))
    const { findings } = await adopt(dir.path, '--verify')
    expect(findings[0]).toMatchObject({ what: 'manifest', why: expect.stringContaining('is not what its digest says') })
    expect((await client('library/verified').fetch('manifests/good')).status).toBe(200)
    expect((await client('library/verified').fetch('manifests/bad')).status).toBe(404)
    const verified = await world.sql<{ verified: boolean }>(
      'SELECT verified_at IS NOT NULL AS verified FROM registry.blob WHERE digest = $1',
      [sha256(good.layers[0] as Buffer)],
    )
    expect(verified).toEqual([{ verified: true }])
  })

  it('puts repositories without a project where it is told', async () => {
    const image = someImage()
    await tree.image('nginx', image, ['1'])
    await adopt(dir.path, '--project', 'library')
    expect((await client('library/nginx').fetch('manifests/1')).headers.get('docker-content-digest')).toBe(image.digest)
  })

  it('names the projects that are missing, and does nothing else', async () => {
    await tree.image('library/fine', someImage(), ['1'])
    await tree.image('elsewhere/app', someImage(), ['1'])
    const report = await adopt(dir.path)
    expect(report).toMatchObject({ figures: {}, missingProjects: ['elsewhere'] })
    expect((await client('library/fine').fetch('manifests/1')).status).toBe(404)
  })

  it('may find it in the directory that is ours, which may move', async () => {
    const image = someImage()
    await distributionTree(join(world.storageRoot, 'old')).image('library/inside', image, ['1'])
    await adopt(join(world.storageRoot, 'old'))
    const links = await readdir(join(world.storageRoot, 'adopted'))
    const targets = await Promise.all(links.map((name) => readlink(join(world.storageRoot, 'adopted', name))))
    expect(targets).toContain(join('..', 'old', 'docker', 'registry', 'v2'))
    expect((await client('library/inside').fetch(`blobs/${sha256(image.config)}`)).status).toBe(200)
  })

  it('keeps the place of a blob that was pushed here before', async () => {
    const image = someImage()
    expect((await client('library/before').pushImage(image, '1')).status).toBe(201)
    await tree.image('library/before2', image, ['1'])
    expect((await adopt(dir.path)).figures).toMatchObject({ manifests: 1, blobs: 0 })
    expect((await client('library/before2').fetch('manifests/1')).status).toBe(200)
  })
})

describe('a storage without tags', () => {
  it('is taken over untagged, safe from collection until that is said', async () => {
    const image = someImage()
    await tree.image('library/untagged', image)
    const report = await adopt(dir.path)
    expect(report.figures).toMatchObject({ manifests: 1, tags: 0, untaggedKept: 1 })
    expect(report.remarks.join('\n')).toMatch(/--tags-from[\s\S]*--release-untagged/)
    const marked = async () =>
      (await world.sql('SELECT 1 FROM registry.manifest WHERE digest = $1 AND adopted_at IS NOT NULL', [image.digest]))
        .length
    expect(await marked()).toBe(1)
    const released = await adopt('--release-untagged')
    expect(released.figures.released).toBeGreaterThanOrEqual(1)
    expect(await marked()).toBe(0)
  })
})

describe('tags from somebody who knows them', () => {
  it('are set, count for more than those of the storage, and leave nothing to wait for', async () => {
    const [one, two] = [someImage(), someImage()]
    await tree.image('library/harbor', one, ['stale'])
    await tree.image('library/harbor', two)
    const harbor = createServer((_req, res) => {
      const tag = { name: 'right', push_time: '2024-01-02T03:04:05.678Z', pull_time: '2024-03-02T03:04:05.678Z' }
      const body = [
        { digest: one.digest, tags: [tag] },
        { digest: sha256('not here'), tags: [{ name: 'lost' }] },
      ]
      res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    }).listen(0, '127.0.0.1')
    await once(harbor, 'listening')
    try {
      const url = `http://127.0.0.1:${(harbor.address() as AddressInfo).port}`
      const { figures, findings, remarks } = await adopt(dir.path, '--tags-from', url)
      expect(figures).toMatchObject({ manifests: 2, tags: 1, untaggedKept: 0, skippedTags: 1 })
      expect(findings.map(({ name }) => name)).toEqual(['library/harbor lost'])
      expect(remarks).toEqual([])
    } finally {
      harbor.close()
    }
    expect(await (await client('library/harbor').fetch('tags/list')).json()).toMatchObject({ tags: ['right'] })
    const [tag] = await world.sql(`SELECT pushed_at, pulled_at FROM registry.tag WHERE name = 'right'`)
    expect(tag).toEqual({
      pushed_at: new Date('2024-01-02T03:04:05.678Z'),
      pulled_at: new Date('2024-03-02T03:04:05.678Z'),
    })
  })

  it('are never asked for with a password among the arguments', async () => {
    await tree.image('library/app', someImage())
    for (const from of ['postgres://harbor:secret@127.0.0.1:5432/registry', 'https://admin:secret@harbor.example']) {
      const failure = await adopt(dir.path, '--tags-from', from).catch((err: Error) => err)
      expect(failure).toMatchObject({ name: 'ArgumentsInvalid' })
      expect(String(failure)).not.toContain('secret@')
    }
  })
})
