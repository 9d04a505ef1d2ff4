import { createHash } from 'node:crypto'
import { sha256, someBytes, someImage } from '@berth/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { codeOf, RegistryClient } from './testing/registry-client.ts'
import { accessTo } from './testing/test-tokens.ts'
import { openWorld, type Replica, type World } from './testing/test-world.ts'

let world: World
let replica: Replica
let other: Replica

beforeAll(async () => {
  world = await openWorld()
  replica = await world.startReplica()
  other = await world.startReplica()
})
afterAll(() => world?.stop())

const client = (name = 'library/list', actions?: string[], at = replica) =>
  new RegistryClient(at.url, name, `Bearer ${world.tokenFor(name, actions)}`)
const sha512 = (bytes: Uint8Array | string) => `sha512:${createHash('sha512').update(bytes).digest('hex')}`
const bytesOf = async (answered: Response) => Buffer.from(await answered.arrayBuffer())

describe('the base', () => {
  it('answers GET and HEAD with and without its slash, and says which API it is', async () => {
    for (const path of ['/v2/', '/v2']) {
      for (const method of ['GET', 'HEAD']) {
        const answered = await fetch(`${replica.url}${path}`, { method, headers: client().headers, redirect: 'manual' })
        expect([path, method, answered.status]).toEqual([path, method, 200])
        expect(answered.headers.get('docker-distribution-api-version')).toBe('registry/2.0')
        expect((await bytesOf(answered)).length).toBe(method === 'HEAD' ? 0 : 2)
      }
    }
  })
})

describe('a blob', () => {
  it('has the same headers by GET and HEAD, and is never packed', async () => {
    const app = client()
    for (const blob of [someBytes(1_000), Buffer.alloc(0)]) {
      const path = `blobs/${sha256(blob)}`
      expect((await app.postBlob(blob)).status).toBe(201)
      const got = await app.fetch(path, { headers: { 'accept-encoding': 'gzip, br' } })
      const head = await app.fetch(path, { method: 'HEAD' })
      for (const name of ['content-length', 'docker-content-digest', 'accept-ranges', 'etag', 'content-type']) {
        expect([name, head.headers.get(name)]).toEqual([name, got.headers.get(name)])
      }
      expect(got.headers.get('content-length')).toBe(String(blob.length))
      expect(got.headers.get('docker-content-digest')).toBe(sha256(blob))
      expect(got.headers.get('content-encoding')).toBeNull()
      expect(await bytesOf(got)).toEqual(blob)
      expect((await bytesOf(head)).length).toBe(0)
    }
  })

  it('answers a range that cannot be had with 416, its size, and a whole body, on a connection that goes on', async () => {
    const app = client()
    const blob = someBytes(100)
    await app.postBlob(blob)
    for (const range of ['bytes=100-', 'bytes=50-49', 'bytes=-0']) {
      const got = await app.fetch(`blobs/${sha256(blob)}`, { headers: { range } })
      expect([range, got.status]).toEqual([range, 416])
      expect(got.headers.get('content-range')).toBe('bytes */100')
      const body = await bytesOf(got)
      expect(got.headers.get('content-length')).toBe(String(body.length))
      expect(JSON.parse(body.toString()).errors[0].code).toBe('RANGE_INVALID')
    }
    const empty = Buffer.alloc(0)
    await app.postBlob(empty)
    expect((await app.fetch(`blobs/${sha256(empty)}`, { headers: { range: 'bytes=0-0' } })).status).toBe(416)
    for (const range of ['bytes=0-1,3-4', 'lines=0-1', 'bytes=a-b', 'bytes=']) {
      const got = await app.fetch(`blobs/${sha256(blob)}`, { headers: { range } })
      expect([range, got.status, (await bytesOf(got)).length]).toEqual([range, 200, 100])
    }
  })

  it('is sent in part only to whoever has this very one', async () => {
    const app = client()
    const blob = someBytes(100)
    await app.postBlob(blob)
    const path = `blobs/${sha256(blob)}`
    const etag = (await app.fetch(path, { method: 'HEAD' })).headers.get('etag') ?? ''
    const part = async (ifRange: string) =>
      (await app.fetch(path, { headers: { range: 'bytes=0-9', 'if-range': ifRange } })).status
    expect(await part(etag)).toBe(206)
    expect(await part(`W/${etag}`)).toBe(200)
    expect(await part('"other"')).toBe(200)
    expect(await part('Wed, 21 Oct 2015 07:28:00 GMT')).toBe(200)
    for (const method of ['GET', 'HEAD']) {
      for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
        const got = await app.fetch(path, { method, headers: { 'if-none-match': known } })
        expect([method, known, got.status]).toEqual([method, known, 304])
        expect(got.headers.get('etag')).toBe(etag)
      }
      expect((await app.fetch(path, { method, headers: { 'if-none-match': '"other"' } })).status).toBe(200)
    }
  })

  it('of an algorithm nobody stores is refused whatever is done with it', async () => {
    const app = client()
    for (const digest of [`md5:${'0'.repeat(32)}`, `blake3:${'0'.repeat(64)}`, 'sha999+x:abc']) {
      for (const method of ['GET', 'HEAD', 'DELETE']) {
        const answered = await app.fetch(`blobs/${digest}`, { method })
        expect([digest, method, answered.status]).toEqual([digest, method, 400])
        if (method !== 'HEAD') expect(await codeOf(answered)).toBe('DIGEST_INVALID')
      }
      const location = await app.startUpload()
      for (const answered of [
        await app.postBlob(someBytes(3), digest),
        await app.fetch(`blobs/uploads/?mount=${digest}&from=library/x`, { method: 'POST' }),
        await app.put(location, digest),
      ]) {
        expect([digest, answered.status, await codeOf(answered)]).toEqual([digest, 400, 'DIGEST_INVALID'])
      }
      expect((await app.fetch(location)).status).toBe(204)
    }
    const algorithm = await app.fetch('blobs/uploads/?digest-algorithm=blake3', { method: 'POST' })
    expect([algorithm.status, await codeOf(algorithm)]).toEqual([400, 'DIGEST_INVALID'])
  })

  it('is gone at once, on every replica, and deleting it again finds nothing', async () => {
    const app = client('library/unlinked')
    const blob = someBytes(10)
    const path = `blobs/${sha256(blob)}`
    await app.postBlob(blob)
    expect((await app.fetch(path, { method: 'DELETE' })).status).toBe(202)
    for (const at of [replica, other]) {
      expect((await client('library/unlinked', undefined, at).fetch(path, { method: 'HEAD' })).status).toBe(404)
    }
    const again = await app.fetch(path, { method: 'DELETE' })
    expect([again.status, await codeOf(again)]).toEqual([404, 'BLOB_UNKNOWN'])
  })

  it('that an image names is not deleted under it', async () => {
    const app = client('library/held')
    const image = someImage()
    await app.pushImage(image, '1')
    const answered = await app.fetch(`blobs/${sha256(image.config)}`, { method: 'DELETE' })
    expect([answered.status, await codeOf(answered)]).toEqual([405, 'UNSUPPORTED'])
  })
})

describe('an upload', () => {
  it('begins with everything a client needs to go on', async () => {
    const answered = await client().fetch('blobs/uploads/', { method: 'POST' })
    expect(answered.status).toBe(202)
    const id = answered.headers.get('docker-upload-uuid') ?? ''
    expect(id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    expect(answered.headers.get('location')).toBe(`${replica.url}/v2/library/list/blobs/uploads/${id}`)
    expect(answered.headers.get('range')).toBe('0-0')
    expect(answered.headers.get('content-length')).toBe('0')
  })

  it('takes bytes in every form for both algorithms, and answers with the digest it was asked for', async () => {
    const app = client('library/forms')
    for (const [algorithm, digestOf] of [
      ['sha256', sha256],
      ['sha512', sha512],
    ] as const) {
      const blob = someBytes(9_000)
      const digest = digestOf(blob)
      const start = async (query = '') => {
        const answered = await app.fetch(`blobs/uploads/${query}`, { method: 'POST' })
        return answered.headers.get('location') ?? ''
      }
      const forms: [string, () => Promise<Response>][] = [
        ['POST alone', () => app.postBlob(blob, digest)],
        [
          'POST alone, the algorithm named',
          () =>
            app.fetch(`blobs/uploads/?digest-algorithm=${algorithm}&digest=${digest}`, { method: 'POST', body: blob }),
        ],
        ['POST and PUT', async () => app.put(await start(), digest, blob)],
        [
          'POST for the algorithm and PUT',
          async () => app.put(await start(`?digest-algorithm=${algorithm}`), digest, blob),
        ],
        [
          'one chunk',
          async () => {
            const patched = await app.patch(await start(), blob, { 'content-range': '0-8999' })
            return app.put(patched.headers.get('location') ?? '', digest)
          },
        ],
        [
          'several chunks, the last one in the PUT',
          async () => {
            let location = await start(`?digest-algorithm=${algorithm}`)
            for (const at of [0, 3_000]) {
              const patched = await app.patch(location, blob.subarray(at, at + 3_000), {
                'content-range': `${at}-${at + 2_999}`,
              })
              expect(patched.headers.get('range')).toBe(`0-${at + 2_999}`)
              location = patched.headers.get('location') ?? ''
            }
            return app.put(location, digest, blob.subarray(6_000), { 'content-range': '6000-8999' })
          },
        ],
        [
          'a stream of unknown length',
          async () => {
            const body = new Blob([blob]).stream()
            const patched = await app.fetch(await start(), { method: 'PATCH', body, duplex: 'half' })
            expect(patched.headers.get('range')).toBe('0-8999')
            return app.put(patched.headers.get('location') ?? '', digest)
          },
        ],
      ]
      for (const [form, push] of forms) {
        const answered = await push()
        expect([form, answered.status]).toEqual([form, 201])
        expect([form, answered.headers.get('docker-content-digest')]).toEqual([form, digest])
        const got = await app.fetch(answered.headers.get('location') ?? '')
        expect([form, got.status]).toEqual([form, 200])
        expect((await bytesOf(got)).equals(blob)).toBe(true)
        expect((await app.fetch(`blobs/${digest}`, { method: 'DELETE' })).status).toBe(202)
        expect((await app.fetch(`blobs/${digest}`, { method: 'HEAD' })).status).toBe(404)
      }
    }
  })

  it('refuses a chunk out of order without taking a byte of it, and goes on', async () => {
    const app = client()
    const blob = someBytes(300)
    const location = await app.startUpload()
    const refused = async (answered: Response) => [answered.status, await codeOf(answered)]
    expect(await refused(await app.patch(location, blob.subarray(100, 200), { 'content-range': '100-199' }))).toEqual([
      416,
      'RANGE_INVALID',
    ])
    const before = await app.fetch(location)
    expect([before.status, before.headers.get('range'), before.headers.get('location')]).toEqual([204, '0-0', location])
    expect((await app.patch(location, blob.subarray(0, 100), { 'content-range': '0-99' })).status).toBe(202)
    expect(
      await refused(await app.put(location, sha256(blob), blob.subarray(200), { 'content-range': '200-299' })),
    ).toEqual([416, 'RANGE_INVALID'])
    for (const contentRange of ['bytes 100-199/300', 'x', '199-100', '-5', '100-']) {
      const answered = await app.patch(location, blob.subarray(100, 200), { 'content-range': contentRange })
      expect([contentRange, ...(await refused(answered))]).toEqual([contentRange, 416, 'RANGE_INVALID'])
    }
    const status = await client('library/list', undefined, other).fetch(location.replace(replica.url, other.url))
    expect([status.status, status.headers.get('range')]).toEqual([204, '0-99'])
    expect((await app.patch(location, blob.subarray(100), { 'content-range': '100-299' })).status).toBe(202)
    expect((await app.put(location, sha256(blob))).status).toBe(201)
  })

  it('needs a digest at its end that the bytes have', async () => {
    const app = client()
    const blob = someBytes(50)
    for (const digest of [
      '',
      'sha256',
      'sha256:',
      `sha256:${'A'.repeat(64)}`,
      `sha256:${'0'.repeat(63)}`,
      sha256('other'),
    ]) {
      const put = await app.put(await app.startUpload(), digest, blob)
      expect([digest, put.status, await codeOf(put)]).toEqual([digest, 400, 'DIGEST_INVALID'])
      const post = await app.fetch(`blobs/uploads/?digest=${digest}`, { method: 'POST', body: blob })
      expect([digest, post.status, await codeOf(post)]).toEqual([digest, 400, 'DIGEST_INVALID'])
    }
    const without = await app.fetch(await app.startUpload(), { method: 'PUT', body: blob })
    expect([without.status, await codeOf(without)]).toEqual([400, 'DIGEST_INVALID'])
    expect((await app.fetch(`blobs/${sha256(blob)}`)).status).toBe(404)
  })

  it('that was cancelled is unknown to whatever comes after, a second DELETE too', async () => {
    const app = client()
    const location = await app.startUpload()
    await app.patch(location, someBytes(10))
    expect((await app.fetch(location, { method: 'DELETE' })).status).toBe(204)
    for (const [method, query] of [
      ['DELETE', ''],
      ['GET', ''],
      ['PATCH', ''],
      ['PUT', `?digest=${sha256('')}`],
    ] as const) {
      const answered = await app.fetch(`${location}${query}`, { method })
      expect([method, answered.status, await codeOf(answered)]).toEqual([method, 404, 'BLOB_UPLOAD_UNKNOWN'])
    }
  })
})

describe('a session', () => {
  it('belongs to one subject in one repository, whoever knows its id', async () => {
    const location = await client('library/mine').startUpload()
    await client('library/mine').patch(location, someBytes(10))
    const both = [accessTo('library/mine', ['pull', 'push']), accessTo('library/yours', ['pull', 'push'])]
    const strangers: [string, RegistryClient, string][] = [
      ['another user', bearer('library/mine', { access: both, who: { kind: 'user', id: 4 } }), location],
      ['a robot of the same number', bearer('library/mine', { access: both, who: { kind: 'robot', id: 3 } }), location],
      ['nobody', bearer('library/mine', { access: both, who: null }), location],
      ['the same one elsewhere', bearer('library/yours', { access: both }), location.replace('/mine/', '/yours/')],
    ]
    for (const [who, stranger, path] of strangers) {
      for (const method of ['GET', 'PATCH', 'PUT', 'DELETE']) {
        const answered = await stranger.fetch(`${path}${method === 'PUT' ? `?digest=${sha256('')}` : ''}`, { method })
        expect([who, method, answered.status]).toEqual([who, method, 404])
      }
    }
    expect((await client('library/mine').fetch(location)).headers.get('range')).toBe('0-9')
  })

  function bearer(name: string, wish: Parameters<World['token']>[0]): RegistryClient {
    return new RegistryClient(replica.url, name, `Bearer ${world.token(wish)}`)
  }
})
