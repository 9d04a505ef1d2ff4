import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { BlockList } from 'node:net'
import { join, relative } from 'node:path'
import { type Database, openDatabase } from '@berth/db'
import { silentLogger } from '@berth/runtime'
import { indexOf, sha256, someImage, tempDir } from '@berth/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findCommand } from '../commands/index.ts'
import { projectStore } from '../project/index.ts'
import { openStorage } from '../storage/index.ts'
import { type S3Double, s3Double } from '../storage/testing/s3-double.ts'
import { distributionTree } from '../testing/distribution-tree.ts'
import { RegistryClient } from '../testing/registry-client.ts'
import { openWorld, type Replica, testProject, type World } from '../testing/test-world.ts'
import { migrateRegistry } from '../wire.ts'

let world: World
let replica: Replica
let database: Database
let s3: S3Double

beforeAll(async () => {
  ;[world, s3] = await Promise.all([openWorld(), s3Double({ prefix: 'berth/' })])
  database = openDatabase({ url: world.databaseUrl, service: 'registry', schema: 'registry', log: silentLogger })
  await migrateRegistry(database, silentLogger)
  await projectStore(database).put(testProject())
  replica = await world.startReplica({
    storage: { driver: 's3', s3: { ...s3.settings, redirect: false }, streamNetworks: new BlockList() },
  })
})
afterAll(async () => {
  await database?.close()
  await world?.stop()
  await s3?.stop()
})

const environment = () => ({
  BERTH_STORAGE: 's3',
  BERTH_S3_ENDPOINT: s3.url,
  BERTH_S3_BUCKET: s3.settings.bucket,
  BERTH_S3_PREFIX: s3.settings.prefix.replace(/\/$/, ''),
  BERTH_S3_PATH_STYLE: 'true',
  BERTH_S3_ACCESS_KEY: s3.settings.credentials?.accessKey,
  BERTH_S3_SECRET_KEY: s3.settings.credentials?.secretKey,
})

async function adopt(...args: string[]) {
  const command = findCommand('adopt')
  if (command === undefined) throw new Error('there is no such command')
  const env = environment()
  const signal = new AbortController().signal
  return command(args, {
    database,
    storage: await openStorage(env),
    env,
    log: silentLogger,
    say: () => undefined,
    signal,
  })
}

/** Puts every file of a directory into the bucket. */
async function upload(path: string, prefix: string): Promise<void> {
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const file = join(entry.parentPath, entry.name)
    const bytes = await readFile(file)
    const etag = createHash('md5').update(bytes).digest('hex')
    s3.objects.set(`${prefix}${relative(path, file)}`, {
      bytes,
      size: bytes.length,
      etag,
      at: (await stat(file)).mtime,
    })
  }
}

describe('taking over a storage in a bucket', () => {
  it('serves its objects where they are, below the prefix that is ours or not', async () => {
    const dir = await tempDir('bucket')
    const tree = distributionTree(dir.path)
    const images = [someImage([5_000]), someImage([6_000, 0]), someImage([10])]
    for (const [i, image] of images.entries()) await tree.image('library/app', image, [`v${i}`])
    const index = indexOf(images)
    await tree.index('library/app', index, ['all'])
    for (let i = 0; i < 5; i++) await tree.image(`library/more/${i}`, someImage(), ['1'])
    await upload(dir.path, 'harbor/')
    await dir.remove()
    const before = new Map(s3.objects)

    const place = `s3://${s3.settings.bucket}/harbor`
    const { figures, findings } = await adopt(place, '--verify')
    expect(findings).toEqual([])
    expect(figures).toMatchObject({
      source: `${place}/docker/registry/v2`,
      repositories: 6,
      manifests: 9,
      tags: 9,
      untaggedKept: 0,
    })
    expect(s3.objects).toEqual(before)

    const app = new RegistryClient(replica.url, 'library/app', `Bearer ${world.tokenFor('library/app')}`)
    const all = await app.fetch('manifests/all')
    expect(Buffer.from(await all.arrayBuffer()).equals(index.manifest)).toBe(true)
    for (const image of images) {
      for (const blob of [image.config, ...image.layers]) {
        const got = await app.fetch(`blobs/${sha256(blob)}`)
        expect(got.status).toBe(200)
        expect(Buffer.from(await got.arrayBuffer()).equals(blob)).toBe(true)
      }
    }
    const fsck = findCommand('fsck')
    const env = environment()
    const storage = await openStorage(env)
    const signal = new AbortController().signal
    const report = await fsck?.([], { database, storage, env, log: silentLogger, say: () => undefined, signal })
    expect(report?.figures).toMatchObject({ missing: 0, wrongSize: 0, unknown: 0 })

    const [row] = await world.sql<{ storage_key: string }>('SELECT storage_key FROM registry.blob WHERE digest = $1', [
      sha256(images[0]?.config as Buffer),
    ])
    await storage.remove([row?.storage_key as never])
    expect([...before.keys()].filter((name) => !s3.objects.has(name))).toEqual([
      `harbor/docker/registry/v2/${tree.dataPath(sha256(images[0]?.config as Buffer))}`,
    ])
  })

  it('is refused for another bucket, a directory, and where there is none', async () => {
    await expect(adopt('s3://another-bucket/harbor')).rejects.toThrow(/BERTH_S3_BUCKET/)
    await expect(adopt('/var/lib/registry')).rejects.toThrow(/only s3:\/\/bucket/)
    await expect(adopt(`s3://${s3.settings.bucket}/nowhere`)).rejects.toThrow(/holds no storage of a registry/)
    await expect(adopt(`s3://${s3.settings.bucket}/a b`)).rejects.toThrow(/the prefix holds what no storage key can/)
  })
})
