import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { openDatabase } from '@berth/db'
import { silentLogger } from '@berth/runtime'
import { indexOf, sha256, someBytes, someImage } from '@berth/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { filesystemStorage } from '../storage/index.ts'
import { codeOf, RegistryClient } from '../testing/registry-client.ts'
import { accessTo } from '../testing/test-tokens.ts'
import { openWorld, type Replica, type World } from '../testing/test-world.ts'
import { markContentCorrupt } from './mark-corrupt.ts'
import { paceOf } from './pace.ts'
import { type ScrubParts, scrubRound } from './scrub.ts'

const NAME = 'library/scrub'
const INDEX = 'application/vnd.oci.image.index.v1+json'
let world: World
let replica: Replica
let parts: ScrubParts
const told: { data: Record<string, unknown> }[] = []

beforeAll(async () => {
  world = await openWorld()
  replica = await world.startReplica()
  const log = silentLogger
  const database = openDatabase({ url: world.databaseUrl, service: 'registry', schema: 'registry', log })
  const storage = await filesystemStorage(world.storageRoot)
  parts = { database, storage, log, pace: paceOf(Number.POSITIVE_INFINITY) }
  const subscription = world.bus.connection.subscribe('event.blob.corrupted')
  void (async () => {
    for await (const message of subscription) told.push(message.json())
  })()
  await world.bus.connection.flush()
})
afterAll(async () => {
  await parts?.database.close()
  await world?.stop()
})
beforeEach(async () => {
  // Whatever a test has broken before is right again, and the next round is due.
  await world.sql('TRUNCATE registry.manifest, registry.blob, registry.manifest_content, registry.chore CASCADE')
  await world.sql('UPDATE registry.project SET used = 0')
  told.length = 0
})

const client = (actions = ['pull', 'push', 'delete']) =>
  new RegistryClient(replica.url, NAME, `Bearer ${world.tokenFor(NAME, actions)}`)
const scrub = () => scrubRound(parts, 0)
const status = async (path: string, method = 'GET', who = client(['pull'])) =>
  (await who.fetch(path, { method })).status

async function fileOf(bytes: Uint8Array): Promise<string> {
  const hex = sha256(bytes).slice('sha256:'.length)
  const directory = `${world.storageRoot}/blobs/sha256/${hex.slice(0, 2)}/${hex}`
  const names = await readdir(directory)
  expect(names).toHaveLength(1)
  return `${directory}/${names[0]}`
}
async function flip(file: string): Promise<void> {
  const bytes = await readFile(file)
  bytes[Math.floor(bytes.length / 2)] = (bytes[Math.floor(bytes.length / 2)] as number) ^ 1
  await writeFile(file, bytes)
}
const corruptBlobs = async () => {
  const text = await (await fetch(`${replica.adminUrl}/metrics`)).text()
  return Number(/^berth_registry_corrupt_blobs (\d+)$/m.exec(text)?.[1])
}

describe('the scrub', () => {
  it('finds nothing where nothing is wrong, and notes what it has read', async () => {
    const image = someImage([100_000, 0])
    await client().pushImage(image, '1')
    expect(await scrub()).toMatchObject({ checked: 4, corrupt: 0, healed: 0, unread: 0 })
    for (const table of ['blob', 'manifest_content']) {
      expect(await world.sql(`SELECT 1 FROM registry.${table} WHERE verified_at IS NULL`)).toEqual([])
    }
    expect(await corruptBlobs()).toBe(0)
  })

  it('finds a flipped byte, tells it, and what it is in is answered with 500 and never with wrong bytes', async () => {
    const [image, other] = [someImage([200_000, 10]), someImage([30])]
    const index = indexOf([image])
    const layer = image.layers[0] as Buffer
    await client().pushImage(image, 'broken')
    await client().pushImage(other, 'whole')
    await client().putManifest('index', index.manifest, INDEX)
    await flip(await fileOf(layer))
    expect(await scrub()).toMatchObject({ corrupt: 1 })
    for (const path of [`blobs/${sha256(layer)}`, 'manifests/broken', `manifests/${image.digest}`]) {
      expect([path, await status(path), await status(path, 'HEAD')]).toEqual([path, 500, 500])
    }
    const partly = await client(['pull']).fetch(`blobs/${sha256(layer)}`, { headers: { range: 'bytes=0-9' } })
    expect([partly.status, await codeOf(partly)]).toEqual([500, 'UNKNOWN'])
    for (const path of ['manifests/whole', 'manifests/index', `blobs/${sha256(image.config)}`]) {
      expect([path, await status(path)]).toEqual([path, 200])
    }
    await expect.poll(() => told.length, { timeout: 10_000 }).toBe(1)
    expect(told[0]?.data).toEqual({
      digest: sha256(layer),
      kind: 'blob',
      sizeBytes: layer.length,
      reason: 'changed',
      artifacts: [{ projectId: 1, repository: NAME, digest: image.digest }],
    })
    expect(await corruptBlobs()).toBe(1)
    // Once is enough.
    expect(await scrub()).toMatchObject({ corrupt: 0 })
  })

  it('takes missing and shortened bytes for corrupt', async () => {
    const [gone, short] = [someBytes(5_000), someBytes(6_000)]
    for (const bytes of [gone, short]) await client().postBlob(bytes)
    await rm(await fileOf(gone))
    await truncate(await fileOf(short), 5_999)
    expect(await scrub()).toMatchObject({ corrupt: 2 })
    for (const bytes of [gone, short]) expect(await status(`blobs/${sha256(bytes)}`)).toBe(500)
    await expect.poll(() => told.map(({ data }) => data.reason), { timeout: 10_000 }).toEqual(['missing', 'missing'])
  })

  it('does not call corrupt what has been removed or replaced while it was read', async () => {
    const blob = someBytes(1_000)
    await client().postBlob(blob)
    await rm(await fileOf(blob))
    const storage = {
      ...parts.storage,
      read: async (...args: Parameters<typeof parts.storage.read>) => {
        await world.sql(`UPDATE registry.blob SET storage_key = storage_key || '-newer' WHERE size = 1000`)
        return parts.storage.read(...args)
      },
    }
    expect(await scrubRound({ ...parts, storage }, 0)).toMatchObject({ checked: 1, corrupt: 0 })
    await world.sql('DELETE FROM registry.blob')
  })

  it('does not call corrupt what is missing because the storage is', async () => {
    for (let i = 0; i < 3; i++) await client().postBlob(someBytes(1_000 + i))
    const away = await filesystemStorage(`${world.storageRoot}/unmounted`)
    await rm(`${world.storageRoot}/unmounted`, { recursive: true })
    expect(await scrubRound({ ...parts, storage: away }, 0)).toMatchObject({ checked: 0, corrupt: 0, unread: 3 })
  })

  it('gets past any number of blobs that cannot be read, as of a bad part of a disk', async () => {
    const blobs = Array.from({ length: 20 }, (_, n) => someBytes(500 + n))
    for (const bytes of blobs) await client().postBlob(bytes)
    const storage: typeof parts.storage = {
      ...parts.storage,
      async read(key, size, range) {
        if (size < 515) throw new Error('EIO')
        return parts.storage.read(key, size, range)
      },
    }
    expect(await scrubRound({ ...parts, storage }, 0)).toMatchObject({ checked: 5, corrupt: 0, unread: 15 })
    const away = { ...storage, probe: () => Promise.reject(new Error('nothing answers')) }
    await expect(scrubRound({ ...parts, storage: away }, 0)).rejects.toThrow('nothing answers')
  })

  it('goes on where it was broken off, after bytes that could not be read and after a stop', async () => {
    const blobs = Array.from({ length: 6 }, () => someBytes(500))
    for (const bytes of blobs) await client().postBlob(bytes)
    const stop = new AbortController()
    let reads = 0
    const storage = {
      ...parts.storage,
      read: async (...args: Parameters<typeof parts.storage.read>) => {
        reads++
        if (reads === 2) throw new Error('EIO')
        if (reads === 4) stop.abort()
        return parts.storage.read(...args)
      },
    }
    const broken = scrubRound({ ...parts, storage, pace: paceOf(Number.POSITIVE_INFINITY, stop.signal) }, 0)
    await expect(broken).rejects.toThrow()
    await world.sql(`UPDATE registry.chore SET cursor = (SELECT id::text FROM registry.blob ORDER BY id OFFSET 2 LIMIT 1)
      WHERE name = 'scrub-blobs'`)
    expect(await scrubRound(parts, 86_400_000)).toMatchObject({ checked: 3, corrupt: 0, unread: 0 })
    expect(await scrubRound(parts, 86_400_000)).toMatchObject({ checked: 0 })
  })

  it('does not call a manifest corrupt that a push has healed since it was read', async () => {
    const image = someImage()
    await client().pushImage(image, '1')
    expect(await markContentCorrupt(parts.database, image.digest, image.manifest.length)).toBe(false)
    expect(await status('manifests/1')).toBe(200)
  })

  it('finds the changed bytes of a manifest', async () => {
    const image = someImage([10])
    await client().pushImage(image, '1')
    const second = await world.startReplica()
    await world.sql(`UPDATE registry.manifest_content SET bytes = set_byte(bytes, 20, get_byte(bytes, 20) # 1)`)
    // Nobody has found it yet, and still it is not sent.
    expect(
      (await new RegistryClient(second.url, NAME, `Bearer ${world.tokenFor(NAME)}`).fetch('manifests/1')).status,
    ).toBe(500)
    expect(await scrub()).toMatchObject({ corrupt: 1 })
    for (const url of [replica.url, second.url]) {
      const reader = new RegistryClient(url, NAME, `Bearer ${world.tokenFor(NAME, ['pull'])}`)
      expect(await status('manifests/1', 'GET', reader)).toBe(500)
    }
    await expect
      .poll(() => told[0]?.data, { timeout: 10_000 })
      .toMatchObject({ digest: image.digest, kind: 'manifest' })
    expect((await client().putManifest('1', image.manifest)).status).toBe(201)
    const got = await new RegistryClient(second.url, NAME, `Bearer ${world.tokenFor(NAME)}`).fetch('manifests/1')
    expect(Buffer.from(await got.arrayBuffer())).toEqual(image.manifest)
    expect(await corruptBlobs()).toBe(0)
    // A push heals what nobody has found as well.
    await world.sql(`UPDATE registry.manifest_content SET bytes = set_byte(bytes, 20, get_byte(bytes, 20) # 1)`)
    expect((await client().putManifest('1', image.manifest)).status).toBe(201)
    expect(await scrub()).toMatchObject({ checked: 3, corrupt: 0 })
  })
})

describe('a corrupt blob', () => {
  const broken = async () => {
    const image = someImage([70_000])
    await client().pushImage(image, '1')
    const layer = image.layers[0] as Buffer
    await flip(await fileOf(layer))
    expect(await scrub()).toMatchObject({ corrupt: 1 })
    return { image, layer }
  }

  it('is not there for whoever pushes: not by HEAD, mount or manifest', async () => {
    const { image, layer } = await broken()
    for (const path of [`blobs/${sha256(layer)}`, 'manifests/1']) {
      expect([path, await status(path, 'HEAD', client())]).toEqual([path, 404])
      expect([path, await status(path, 'GET', client())]).toEqual([path, 500])
    }
    const put = await client().putManifest('2', image.manifest)
    expect([put.status, await codeOf(put)]).toEqual([404, 'MANIFEST_BLOB_UNKNOWN'])
    const access = [accessTo('library/elsewhere', ['pull', 'push']), accessTo(NAME, ['pull'])]
    const other = new RegistryClient(replica.url, 'library/elsewhere', `Bearer ${world.token({ access })}`)
    const mounted = await other.fetch(`blobs/uploads/?mount=${sha256(layer)}&from=${NAME}`, { method: 'POST' })
    expect(mounted.status).toBe(202)
  })

  it.each(['pushBlob', 'postBlob'] as const)(
    'is healed by a push of the same digest (%s), from any repository',
    async (push) => {
      const { image, layer } = await broken()
      const before = await fileOf(layer)
      const other = new RegistryClient(replica.url, 'library/healer', `Bearer ${world.tokenFor('library/healer')}`)
      expect((await other[push](layer)).status).toBe(201)
      const got = await client(['pull']).fetch(`blobs/${sha256(layer)}`)
      expect(Buffer.from(await got.arrayBuffer())).toEqual(layer)
      expect(await status(`manifests/${image.digest}`)).toBe(200)
      expect(await corruptBlobs()).toBe(0)
      await world.sweep()
      expect(await fileOf(layer)).not.toBe(before)
      expect(await scrub()).toMatchObject({ corrupt: 0, healed: 0 })
    },
  )

  it('is found by whoever misses its bytes, and not only by the next round', async () => {
    const blob = someBytes(3_000)
    await client().postBlob(blob)
    await rm(await fileOf(blob))
    expect(await status(`blobs/${sha256(blob)}`)).toBe(500)
    await expect.poll(corruptBlobs, { timeout: 10_000 }).toBe(1)
    await expect
      .poll(() => told[0]?.data, { timeout: 10_000 })
      .toMatchObject({ digest: sha256(blob), reason: 'missing' })
    expect((await client().pushBlob(blob)).status).toBe(201)
    expect(await status(`blobs/${sha256(blob)}`)).toBe(200)
  })

  it('is right again when its bytes are, say because a disk came back', async () => {
    const { layer } = await broken()
    await writeFile(await fileOf(layer), layer)
    expect(await scrub()).toMatchObject({ healed: 1, corrupt: 0 })
    expect(await status(`blobs/${sha256(layer)}`)).toBe(200)
  })
})
