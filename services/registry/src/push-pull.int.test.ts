import { INDEX_TYPE, indexOf, MANIFEST_TYPE, sha256, someBytes, someImage } from '@berth/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { codeOf, RegistryClient } from './testing/registry-client.ts'
import { openWorld, type Replica, type World } from './testing/test-world.ts'

let world: World
let replica: Replica

beforeAll(async () => {
  world = await openWorld()
  replica = await world.startReplica()
})
afterAll(() => world?.stop())

function client(name = 'library/app', actions?: string[]): RegistryClient {
  return new RegistryClient(replica.url, name, `Bearer ${world.tokenFor(name, actions)}`)
}

describe('pushing and pulling', () => {
  it('brings an image back byte for byte', async () => {
    const app = client()
    const image = someImage([10, 100_000, 0])
    expect((await app.pushBlob(image.config)).status).toBe(201)
    for (const layer of image.layers) expect((await app.pushBlob(layer)).status).toBe(201)
    const put = await app.putManifest('1.0', image.manifest)
    expect(put.status).toBe(201)
    expect(put.headers.get('docker-content-digest')).toBe(image.digest)
    expect(put.headers.get('location')).toBe(`${replica.url}/v2/library/app/manifests/${image.digest}`)

    for (const reference of ['1.0', image.digest]) {
      const got = await app.fetch(`manifests/${reference}`)
      expect(got.status).toBe(200)
      expect(got.headers.get('content-type')).toBe(MANIFEST_TYPE)
      expect(got.headers.get('docker-content-digest')).toBe(image.digest)
      expect(Buffer.from(await got.arrayBuffer())).toEqual(image.manifest)
      const head = await app.fetch(`manifests/${reference}`, { method: 'HEAD' })
      expect(head.headers.get('content-length')).toBe(String(image.manifest.length))
    }
    for (const blob of [image.config, ...image.layers]) {
      const got = await app.fetch(`blobs/${sha256(blob)}`)
      expect(got.status).toBe(200)
      expect(got.headers.get('content-length')).toBe(String(blob.length))
      expect(Buffer.from(await got.arrayBuffer())).toEqual(blob)
    }
    expect(await (await app.fetch('tags/list')).json()).toEqual({ name: 'library/app', tags: ['1.0'] })
  })

  it('answers ranges', async () => {
    const app = client()
    const blob = someBytes(1000)
    expect((await app.postBlob(blob)).status).toBe(201)
    const ranged = async (range: string) => app.fetch(`blobs/${sha256(blob)}`, { headers: { range } })
    const cases: [string, number, number][] = [
      ['bytes=0-0', 0, 1],
      ['bytes=10-19', 10, 20],
      ['bytes=990-', 990, 1000],
      ['bytes=-5', 995, 1000],
      ['bytes=900-5000', 900, 1000],
    ]
    for (const [range, from, to] of cases) {
      const got = await ranged(range)
      expect(got.status).toBe(206)
      expect(got.headers.get('content-range')).toBe(`bytes ${from}-${to - 1}/1000`)
      expect(Buffer.from(await got.arrayBuffer())).toEqual(blob.subarray(from, to))
    }
    for (const range of ['bytes=1000-', 'bytes=9-3']) {
      const got = await ranged(range)
      expect(got.status).toBe(416)
      expect(got.headers.get('content-range')).toBe('bytes */1000')
      expect(await codeOf(got)).toBe('RANGE_INVALID')
    }
  })

  it('takes chunks in order only and says how far it is', async () => {
    const app = client()
    const blob = someBytes(3000)
    const location = await app.startUpload()
    const first = await app.patch(location, blob.subarray(0, 1000), { 'content-range': '0-999' })
    expect(first.status).toBe(202)
    expect(first.headers.get('range')).toBe('0-999')
    for (const range of ['2000-2999', '0-999', '999-1998']) {
      const [start = 0, end = 0] = range.split('-').map(Number)
      const wrong = await app.patch(location, blob.subarray(start, end + 1), { 'content-range': range })
      expect(wrong.status).toBe(416)
      expect(await codeOf(wrong)).toBe('RANGE_INVALID')
    }
    const status = await app.fetch(location)
    expect(status.status).toBe(204)
    expect(status.headers.get('range')).toBe('0-999')
    const wrongLast = await app.put(location, sha256(blob), blob.subarray(2000), { 'content-range': '2000-2999' })
    expect(wrongLast.status).toBe(416)
    const second = await app.patch(location, blob.subarray(1000, 2000), { 'content-range': '1000-1999' })
    expect(second.headers.get('range')).toBe('0-1999')
    const last = await app.put(location, sha256(blob), blob.subarray(2000), { 'content-range': '2000-2999' })
    expect(last.status).toBe(201)
    expect(last.headers.get('location')).toBe(`${replica.url}/v2/library/app/blobs/${sha256(blob)}`)
    const got = await app.fetch(last.headers.get('location') ?? '')
    expect(Buffer.from(await got.arrayBuffer())).toEqual(blob)
    expect((await app.fetch(location)).status).toBe(404)
  })

  it('refuses bytes that are not what their digest says, and forgets them', async () => {
    const app = client()
    const location = await app.startUpload()
    await app.patch(location, someBytes(10))
    const wrong = await app.put(location, sha256('something else'))
    expect(wrong.status).toBe(400)
    expect(await codeOf(wrong)).toBe('DIGEST_INVALID')
    expect((await app.fetch(location)).status).toBe(404)
    const posted = await app.postBlob(someBytes(10), sha256('something else'))
    expect(posted.status).toBe(400)
  })

  it('keeps sha512 under its own name', async () => {
    const app = client()
    const blob = someBytes(500)
    const digest = `sha512:${(await import('node:crypto')).createHash('sha512').update(blob).digest('hex')}`
    const location = await app.startUpload()
    await app.patch(location, blob)
    const put = await app.put(location, digest)
    expect(put.status).toBe(201)
    expect(put.headers.get('docker-content-digest')).toBe(digest)
    expect((await app.postBlob(someBytes(4), digest)).status).toBe(400)
    expect((await app.fetch(`blobs/${digest}`)).status).toBe(200)
  })

  it('round-trips an index and holds its children', async () => {
    const app = client('library/multi')
    const images = [someImage(), someImage()]
    for (const image of images) expect((await app.pushImage(image)).status).toBe(201)
    const index = indexOf(images)
    expect((await app.putManifest('latest', index.manifest, INDEX_TYPE)).status).toBe(201)
    const got = await app.fetch('manifests/latest')
    expect(got.headers.get('content-type')).toBe(INDEX_TYPE)
    expect(Buffer.from(await got.arrayBuffer())).toEqual(index.manifest)
    const child = images[0]?.digest
    expect((await app.fetch(`manifests/${child}`, { method: 'DELETE' })).status).toBe(412)
    expect((await app.fetch(`manifests/${index.digest}`, { method: 'DELETE' })).status).toBe(202)
    expect((await app.fetch('manifests/latest')).status).toBe(404)
    expect((await app.fetch(`manifests/${child}`, { method: 'DELETE' })).status).toBe(202)
    expect((await app.fetch(`manifests/${child}`)).status).toBe(404)
  })

  it('refuses a manifest that names what the repository does not hold', async () => {
    const image = someImage()
    const elsewhere = client('library/elsewhere')
    expect((await elsewhere.pushImage(image)).status).toBe(201)
    const refused = await client('library/other').putManifest('1', image.manifest)
    expect(refused.status).toBe(404)
    expect(await codeOf(refused)).toBe('MANIFEST_BLOB_UNKNOWN')
  })
})
