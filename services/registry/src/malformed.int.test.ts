import { connect } from 'node:net'
import { askMalformed, MANIFEST_TYPE, sha256, someImage } from '@berth/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RegistryClient } from './testing/registry-client.ts'
import { accessTo } from './testing/test-tokens.ts'
import { openWorld, type Replica, type World } from './testing/test-world.ts'

let world: World
let replica: Replica
let authorization: string

beforeAll(async () => {
  world = await openWorld()
  replica = await world.startReplica()
  authorization = `Bearer ${world.tokenFor('library/app')}`
  const app = new RegistryClient(replica.url, 'library/app', authorization)
  await app.pushImage(someImage(), '1')
})
afterAll(() => world?.stop())

/** Sends exactly these bytes; answers the status, or 0 when the connection was closed without one. */
function raw(text: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(replica.url).port), '127.0.0.1', () => socket.write(text))
    let answered = ''
    socket.on('data', (chunk) => {
      answered += chunk.toString('latin1')
      const status = /^HTTP\/1\.1 (\d{3})/.exec(answered)
      if (status && status[1] !== '100') {
        socket.destroy()
        resolve(Number(status[1]))
      }
    })
    socket.on('close', () => resolve(0))
    socket.on('error', reject)
    socket.setTimeout(5_000, () => socket.destroy())
  })
}

const send = (method: string, path: string, headers: Record<string, string> = {}) => {
  const all = { host: 'x', authorization, 'content-length': '0', connection: 'close', ...headers }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`)
  return raw(`${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND']

describe('malformed requests', () => {
  it('never lead out of the place they name', async () => {
    const digest = sha256('x')
    const ways = [
      '..',
      '%2e%2e',
      '%2E%2e',
      '.%2e',
      '..%2f..',
      '%252e%252e',
      '..%5c',
      '..\\',
      '%c0%ae%c0%ae',
      '%00',
      '....//',
    ]
    for (const way of ways) {
      for (const path of [
        `/v2/library/${way}/manifests/1`,
        `/v2/${way}/library/app/manifests/1`,
        `/v2/library/app/manifests/${way}`,
        `/v2/library/app/manifests/${way}/etc/passwd`,
        `/v2/library/app/blobs/${way}`,
        `/v2/library/app/blobs/sha256:${way}`,
        `/v2/library/app/blobs/uploads/${way}`,
        `/v2/library/app/blobs/uploads/${way}/${way}/x`,
        `/v2/library/app/referrers/${way}`,
        `/v2/${way}/v2/library/app/blobs/${digest}`,
      ]) {
        for (const method of ['GET', 'PUT', 'PATCH', 'DELETE']) {
          const status = await send(method, path)
          expect([method, path, status >= 400 && status < 500]).toEqual([method, path, true])
        }
      }
    }
  })

  it('are answered with a 4xx, whatever they are', async () => {
    const long = 'a'.repeat(5_000)
    const digest = sha256('x')
    const paths = [
      '/',
      '/v2x',
      '/v2/_catalog?n=x',
      '/v2//',
      '/v2/library',
      `/v2/${long}/manifests/1`,
      '/v2/Library/App/manifests/1',
      '/v2/library/app/manifests/',
      '/v2/library/app/manifests/a:b:c',
      `/v2/library/app/manifests/${long}`,
      `/v2/library/app/manifests/sha256:${'g'.repeat(64)}`,
      '/v2/library/app/blobs/sha256:abc',
      `/v2/library/app/blobs/md5:${'a'.repeat(32)}`,
      '/v2/library/app/blobs/uploads/nonsense',
      `/v2/library/app/blobs/uploads/${long}`,
      '/v2/library/app/tags/list?n=-1',
      '/v2/library/app/tags/list?n=99999999999999999999',
      '/v2/library/app/tags/list?last=%00',
      '/v2/library/app/tags/list?last=%ff%fe',
      `/v2/library/app/tags/list?last=${long}`,
      '/v2/library/app/tags',
      '/v2/library/app/referrers/x',
      `/v2/library/app/referrers/${digest}?artifactType=%00&after=abc`,
      '/v2/library/app/blobs/uploads/?digest=',
      '/v2/library/app/blobs/uploads/?digest=sha256:abc',
      `/v2/library/app/blobs/uploads/?digest=blake3:${'0'.repeat(64)}`,
      '/v2/library/app/blobs/uploads/?mount=x&from=../../x',
      '/v2/library/app/blobs/uploads/?digest-algorithm=__proto__',
      '/v2/library/app/manifests/1?%zz=%',
      'http://elsewhere/v2/library/app/manifests/1',
      '*',
    ]
    for (const path of paths) {
      for (const method of METHODS) {
        const status = await send(method, path)
        expect([method, path, status < 500]).toEqual([method, path, true])
      }
    }
  })

  it('cannot upset it with strange headers', async () => {
    const location = new URL(await new RegistryClient(replica.url, 'library/app', authorization).startUpload()).pathname
    const cases: [string, string, Record<string, string>][] = [
      ['PATCH', location, { 'content-range': 'x' }],
      ['PATCH', location, { 'content-range': '5-1' }],
      ['PATCH', location, { 'content-range': '0-99999999999999999999' }],
      ['PATCH', location, { 'content-range': '-1-5' }],
      ['PUT', `${location}?digest=${sha256('')}`, { 'content-range': '0-0' }],
      ['GET', '/v2/library/app/manifests/1', { 'if-none-match': '"'.repeat(3_000) }],
      ['GET', '/v2/library/app/manifests/1', { accept: `${'a/b,'.repeat(3_000)}` }],
      ['GET', `/v2/library/app/blobs/${sha256('')}`, { range: 'bytes=0-0,1-1,2-2' }],
      ['GET', `/v2/library/app/blobs/${sha256('')}`, { range: `bytes=${'9'.repeat(400)}-` }],
      ['GET', '/v2/library/app/manifests/1', { 'x-forwarded-host': '"><script>' }],
      ['GET', '/v2/', { authorization: `Bearer ${'a'.repeat(60_000)}` }],
      ['GET', '/v2/', { authorization: `Bearer ${'a'.repeat(90_000)}` }],
      ['GET', '/v2/', { authorization: 'Basic' }],
      ['GET', '/v2/', { authorization: 'Bearer' }],
      ['PUT', '/v2/library/app/manifests/1', { 'content-type': `${'x'.repeat(400)}/y` }],
      ['PUT', '/v2/library/app/manifests/1', { 'content-length': '99999999' }],
    ]
    for (const [method, path, headers] of cases) {
      const status = await send(method, path, headers)
      expect([method, path, headers, status < 500]).toEqual([method, path, headers, true])
    }
  })

  it('cannot upset it with strange manifests', async () => {
    const app = new RegistryClient(replica.url, 'library/app', authorization)
    const image = someImage()
    await app.pushImage(image)
    const seeds = ['{}', '[]', 'null', '""', '{"schemaVersion":2}', image.manifest.toString()]
    const twist = [
      (text: string) => text,
      (text: string) => `${text}${text}`,
      (text: string) => text.slice(0, text.length / 2),
      (text: string) => text.replaceAll('"', "'"),
      (text: string) => text.replace('"size":', '"size":-'),
      (text: string) => text.replace('"size":', '"size":1e400,"x":'),
      (text: string) => text.replace('sha256:', 'sha256:..'),
      (text: string) => text.replace('"layers":[', `"layers":${'['.repeat(100)}`),
      (text: string) => text.replace('"layers":', '"layers":null,"manifests":'),
      (text: string) => text.replace('{', '{"subject":{"digest":"x"},'),
      (text: string) => text.replace('{', '{"annotations":{"\\u0000":"\\u0000"},'),
      (text: string) =>
        text.replace(
          '{',
          `{"subject":{"mediaType":"a/b","digest":"${sha256('s')}","size":1},"annotations":{"a":"\\u0000"},"artifactType":"a/\\u0000",`,
        ),
      (text: string) => text.replace('{', '{"\\ud800":"\\udfff",'),
      (text: string) =>
        text.replace(
          '{',
          `{"subject":{"mediaType":"a/b","digest":"${sha256('s')}","size":1},"annotations":{"\\ud800":"\\u0000"},`,
        ),
    ]
    for (const seed of seeds) {
      for (const change of twist) {
        for (const type of [MANIFEST_TYPE, 'application/vnd.oci.image.index.v1+json', 'a/b', '']) {
          const answered = await app.putManifest('fuzz', Buffer.from(change(seed)), type)
          expect([change(seed), type, answered.status < 500]).toEqual([change(seed), type, true])
        }
      }
    }
  })
})

describe('requests nobody has thought of', () => {
  // A longer run, or one with another seed: BERTH_E2E_FUZZ_ROUNDS=200000 BERTH_E2E_FUZZ_SEED=7.
  const rounds = Number(process.env.BERTH_E2E_FUZZ_ROUNDS ?? 4_000)
  const seed = Number(process.env.BERTH_E2E_FUZZ_SEED ?? 20_261_120)

  it(
    'are each answered in the words of the API, and none with a failure of ours',
    async () => {
      const app = new RegistryClient(replica.url, 'library/app', authorization)
      const image = someImage([10, 0])
      await app.pushImage(image, 'fuzzed')
      const contents = [image.manifest, image.config, ...image.layers]
      const { wrong, statuses } = await askMalformed({
        url: replica.url,
        seed,
        rounds,
        known: { repository: 'library/app', tag: 'fuzzed', contents, digests: contents.map((one) => sha256(one)) },
        openSession: async () => new URL(await app.startUpload()).pathname,
        authorization,
      })
      expect(wrong.slice(0, 20)).toEqual([])
      for (const status of [200, 201, 202, 204, 400, 401, 404, 405, 416]) {
        expect([status, statuses.has(status)]).toEqual([status, true])
      }
      expect((await app.fetch('tags/list')).status).toBe(200)
    },
    60_000 + rounds * 20,
  )
})

describe('tokens', () => {
  it('with many entries are read', async () => {
    const access = Array.from({ length: 150 }, (_, i) => accessTo(`library/app${i}`, ['pull']))
    const token = world.token({ access: [...access, accessTo('library/app', ['pull'])] })
    const app = new RegistryClient(replica.url, 'library/app', `Bearer ${token}`)
    await new RegistryClient(replica.url, 'library/app', authorization).pushImage(someImage(), '1')
    expect((await app.fetch('manifests/1')).status).toBe(200)
  })
})
