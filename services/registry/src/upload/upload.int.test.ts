import { randomUUID } from 'node:crypto'
import { readdir, readlink, utimes } from 'node:fs/promises'
import { request } from 'node:http'
import { openDatabase } from '@berth/db'
import { digestOf, parseRepositoryName, parseSessionId } from '@berth/oci'
import { silentLogger } from '@berth/runtime'
import { sha256, someBytes, someImage } from '@berth/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { storageKeyOf, uploadPathOf } from '../storage/storage.ts'
import { codeOf, RegistryClient } from '../testing/registry-client.ts'
import { openWorld, type Replica, type World } from '../testing/test-world.ts'
import { uploadStore } from './upload-store.ts'

let world: World
let replica: Replica

beforeAll(async () => {
  world = await openWorld()
  replica = await world.startReplica()
})
afterAll(() => world?.stop())

const client = (name = 'library/up') => new RegistryClient(replica.url, name, `Bearer ${world.tokenFor(name)}`)

/** Sends the beginning of a body that is announced to be longer, then breaks off. */
function breakOff(location: string, method: string, part: Uint8Array, announced: number): Promise<void> {
  return new Promise((resolve) => {
    const req = request(location, {
      method,
      headers: { authorization: `Bearer ${world.tokenFor('library/up')}`, 'content-length': announced },
    })
    req.on('error', () => resolve())
    req.on('close', () => resolve())
    req.write(part, () => setTimeout(() => req.destroy(), 100))
  })
}

const uploadFiles = () => readdir(`${world.storageRoot}/uploads`)

describe('an upload', () => {
  it('keeps what arrived of a chunk the client broke off, and goes on from there', async () => {
    const up = client()
    const blob = someBytes(500_000)
    const location = await up.startUpload()
    await breakOff(location, 'PATCH', blob.subarray(0, 200_000), blob.length)
    const range = async () => (await up.fetch(location)).headers.get('range')
    await expect.poll(range).toBe('0-199999')
    const rest = await up.patch(location, blob.subarray(200_000))
    expect(rest.status).toBe(202)
    expect((await up.put(location, sha256(blob))).status).toBe(201)
    const got = await up.fetch(`blobs/${sha256(blob)}`)
    expect(Buffer.from(await got.arrayBuffer())).toEqual(blob)
  })

  it('leaves nothing behind when a blob in one request is broken off', async () => {
    const before = (await uploadFiles()).length
    const digest = sha256('never')
    await breakOff(`${replica.url}/v2/library/up/blobs/uploads/?digest=${digest}`, 'POST', someBytes(100_000), 500_000)
    await expect.poll(async () => (await uploadFiles()).length).toBe(before)
    const rows = async () => (await world.sql('SELECT id FROM registry.upload WHERE lease_until IS NOT NULL')).length
    await expect.poll(rows).toBe(0)
  })

  it('holds no file open when nobody writes or reads', async () => {
    const up = client()
    const blob = someBytes(5_000_000)
    await up.pushBlob(blob)
    const broken = new AbortController()
    const got = await up.fetch(`blobs/${sha256(blob)}`, { signal: broken.signal })
    await got.body?.getReader().read()
    broken.abort()
    const open = async () => {
      const links = await Promise.all(
        (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
      )
      return links.filter((link) => link.startsWith(world.storageRoot))
    }
    await expect.poll(open).toEqual([])
  })

  it('lets one writer at a time in', async () => {
    const up = client()
    const location = await up.startUpload()
    const parts = Array.from({ length: 8 }, () => someBytes(100_000))
    const answers = await Promise.all(parts.map((part) => up.patch(location, part)))
    expect(answers.map(({ status }) => status)).toEqual(parts.map(() => 202))
    const ends = answers.map((answered) => Number(answered.headers.get('range')?.split('-')[1]) + 1)
    const inOrder = parts.map((part, i) => ({ part, end: ends[i] ?? 0 })).sort((a, b) => a.end - b.end)
    expect(inOrder.map(({ end }) => end)).toEqual(parts.map((_, i) => (i + 1) * 100_000))
    const blob = Buffer.concat(inOrder.map(({ part }) => part))
    expect((await up.put(location, sha256(blob))).status).toBe(201)
  })

  it('refuses a chunk whose length is not what it says', async () => {
    const up = client()
    const location = await up.startUpload()
    const wrong = await up.patch(location, someBytes(10), { 'content-range': '0-99' })
    expect(wrong.status).toBe(400)
    expect(await codeOf(wrong)).toBe('SIZE_INVALID')
    const streamed = await up.fetch(location, {
      method: 'PATCH',
      headers: { 'content-range': '0-99' },
      body: new ReadableStream({
        start(controller) {
          controller.enqueue(someBytes(50))
          controller.close()
        },
      }),
      duplex: 'half',
    })
    expect(streamed.status).toBe(400)
    expect((await up.fetch(location)).headers.get('range')).toBe('0-0')
    const blob = someBytes(70)
    expect((await up.put(location, sha256(blob), blob)).status).toBe(201)
  })

  it('is gone after it was cancelled, and so are its bytes', async () => {
    const up = client()
    const location = await up.startUpload()
    await up.patch(location, someBytes(1000))
    const id = location.split('/').at(-1) ?? ''
    expect((await uploadFiles()).some((file) => file.startsWith(id))).toBe(true)
    expect((await up.fetch(location, { method: 'DELETE' })).status).toBe(204)
    expect((await uploadFiles()).some((file) => file.startsWith(id))).toBe(false)
    for (const method of ['GET', 'PATCH', 'DELETE']) expect((await up.fetch(location, { method })).status).toBe(404)
  })

  it('can be empty', async () => {
    const up = client()
    const location = await up.startUpload()
    expect((await up.put(location, sha256(''))).status).toBe(201)
    const got = await up.fetch(`blobs/${sha256('')}`)
    expect([got.status, got.headers.get('content-length')]).toEqual([200, '0'])
    expect((await client('library/empty').postBlob(Buffer.alloc(0))).status).toBe(201)
  })

  it('says which algorithms there are', async () => {
    const up = client()
    const started = await up.fetch('blobs/uploads/?digest-algorithm=sha512', { method: 'POST' })
    expect(started.status).toBe(202)
    const wrong = await up.fetch('blobs/uploads/?digest-algorithm=md5', { method: 'POST' })
    expect([wrong.status, await codeOf(wrong)]).toEqual([400, 'DIGEST_INVALID'])
    const unknown = await up.fetch('blobs/uploads/?digest=md5:abc', { method: 'POST', body: 'x' })
    expect([unknown.status, await codeOf(unknown)]).toEqual([400, 'DIGEST_INVALID'])
  })

  it('does not ask a client that waits for "continue" to send what is refused', async () => {
    const location = await client().startUpload()
    const send = (headers: Record<string, string>) =>
      new Promise<{ status: number; continued: boolean }>((resolve, reject) => {
        let continued = false
        const req = request(location, {
          method: 'PATCH',
          headers: {
            authorization: `Bearer ${world.tokenFor('library/up')}`,
            expect: '100-continue',
            'content-length': 3,
            ...headers,
          },
        })
        req.on('continue', () => {
          continued = true
          req.end('abc')
        })
        req.on('response', (res) => {
          res.resume()
          req.destroy()
          resolve({ status: res.statusCode ?? 0, continued })
        })
        req.on('error', reject)
        req.flushHeaders()
      })
    expect(await send({ 'content-range': '5-7' })).toMatchObject({ status: 416 })
    expect(await send({ authorization: 'Bearer x' })).toEqual({ status: 401, continued: false })
    expect(await send({ 'content-range': '0-2' })).toEqual({ status: 202, continued: true })
  })
})

describe('an upload of a blob that is found corrupt as it ends', () => {
  it('becomes no blob, and its bytes are trash', async () => {
    const name = parseRepositoryName('library/rotten')
    await new RegistryClient(replica.url, name, `Bearer ${world.tokenFor(name)}`).pushImage(someImage(), '1')
    const database = openDatabase({
      url: world.databaseUrl,
      service: 'registry',
      schema: 'registry',
      log: silentLogger,
    })
    try {
      const store = uploadStore(database, { holder: 'test', ttlMs: 60_000 })
      const [id, digest] = [parseSessionId(randomUUID()), digestOf(someBytes(10))]
      const grant = { need: { name, action: 'push' as const }, project: 1, rev: 1 }
      const upload = { path: uploadPathOf(`${id}.1`), offset: 10, state: null }
      const expected = { digest, bytes: 10 }
      const wanted = { algorithm: 'sha256' as const, path: upload.path, leaseMs: 60_000, expected }
      await store.start({ id, name, grant, subject: 'user:3' }, wanted)
      await world.sql(
        `INSERT INTO registry.blob (digest, size, storage_key, corrupt_at) VALUES ($1, 10, 'rotten', now())`,
        [digest],
      )
      const [key, spent] = [storageKeyOf(digest, `${id}.1`), storageKeyOf(digest, `${id}.2`)]
      const ending = { projectId: 1, digest, spent: [spent] }
      expect(await store.commit({ id, generation: 1, upload }, ending, key)).toBeUndefined()
      const keys = [key, spent]
      expect(await world.sql('SELECT 1 FROM registry.trash WHERE storage_key = ANY($1)', [keys])).toHaveLength(2)
    } finally {
      await database.close()
      await world.sql(`DELETE FROM registry.blob WHERE storage_key = 'rotten'`)
    }
  })
})

describe('the sweep', () => {
  it('takes away expired sessions, files nobody knows and what is in the trash', async () => {
    const up = client()
    const location = await up.startUpload()
    await up.patch(location, someBytes(1000))
    const id = location.split('/').at(-1) ?? ''
    const live = await up.startUpload()
    await up.patch(live, someBytes(10))
    await world.sql(`UPDATE registry.upload SET expires_at = now() - interval '1 s' WHERE id = $1`, [id])
    expect((await up.fetch(location)).status).toBe(404)

    const { writeFile, mkdir } = await import('node:fs/promises')
    const lost = `${world.storageRoot}/uploads/lost.1`
    await writeFile(lost, 'x')
    await utimes(lost, 1, 1)
    await mkdir(`${world.storageRoot}/blobs/sha256/aa/aaaa`, { recursive: true })
    await writeFile(`${world.storageRoot}/blobs/sha256/aa/aaaa/old.1`, 'x')
    await world.sql(`INSERT INTO registry.trash (storage_key, size) VALUES ('blobs/sha256/aa/aaaa/old.1', 1),
      ('blobs/sha256/aa/bbbb/gone.1', 1)`)

    await world.sweep()
    const files = await uploadFiles()
    expect(files.some((file) => file.startsWith(id))).toBe(false)
    expect(files).not.toContain('lost.1')
    expect(files.some((file) => file.startsWith(live.split('/').at(-1) ?? '-'))).toBe(true)
    expect(await world.sql('SELECT * FROM registry.trash')).toEqual([])
    expect(await readdir(`${world.storageRoot}/blobs/sha256/aa`)).not.toContain('aaaa')
    expect((await up.fetch(live)).status).toBe(204)
  })

  it('takes away the bytes of manifests nobody has any more, and no others', async () => {
    const [one, two] = [client('library/one'), client('library/two')]
    const [shared, single] = [someImage(), someImage()]
    await one.pushImage(shared)
    await two.pushImage(shared)
    await one.pushImage(single)
    for (const { digest } of [shared, single]) await one.fetch(`manifests/${digest}`, { method: 'DELETE' })
    await world.sql(`UPDATE registry.manifest_content SET dropped_at = dropped_at - interval '1 day'`)
    await world.sweep()
    const digests = (await world.sql<{ digest: string }>('SELECT digest FROM registry.manifest_content')).map(
      (row) => row.digest,
    )
    expect(digests).toContain(shared.digest)
    expect(digests).not.toContain(single.digest)
    expect((await one.putManifest('again', single.manifest)).status).toBe(201)
    expect((await one.fetch('manifests/again')).status).toBe(200)
  })
})
