import { createHash } from 'node:crypto'
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

const client = (name = 'library/list', actions?: string[], at = replica) =>
  new RegistryClient(at.url, name, `Bearer ${world.tokenFor(name, actions)}`)
const sha512 = (bytes: Uint8Array | string) => `sha512:${createHash('sha512').update(bytes).digest('hex')}`
const json = (value: unknown) => Buffer.from(JSON.stringify(value))
const descriptor = (bytes: Uint8Array, digest = sha256(bytes), mediaType = 'application/octet-stream') => ({
  mediaType,
  digest,
  size: bytes.length,
})
const EMPTY = Buffer.from('{}')
const bytesOf = async (answered: Response) => Buffer.from(await answered.arrayBuffer())

describe('manifests', () => {
  const put = (app: RegistryClient, document: unknown, type: string, reference = '1') =>
    app.putManifest(reference, json(document), type)

  it('of every kind come back byte for byte under the type they were pushed with', async () => {
    const app = client('library/kinds')
    const [config, layer] = [EMPTY, someBytes(20)]
    for (const blob of [config, layer]) await app.postBlob(blob)
    const image = someImage()
    await app.pushImage(image)
    const child = { mediaType: MANIFEST_TYPE, digest: image.digest, size: image.manifest.length }
    const docker = 'application/vnd.docker.distribution.manifest.v2+json'
    const list = 'application/vnd.docker.distribution.manifest.list.v2+json'
    const data = { ...descriptor(config, sha256(config), 'application/vnd.oci.empty.v1+json'), data: 'e30=' }
    const base = { schemaVersion: 2, mediaType: MANIFEST_TYPE, config: descriptor(config), layers: [descriptor(layer)] }
    const foreign = {
      mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
      digest: sha256('far away'),
      size: 8,
      urls: ['https://elsewhere.example/layer'],
    }
    const documents: [string, string, unknown][] = [
      ['an image', MANIFEST_TYPE, base],
      ['an image that names a layer twice', MANIFEST_TYPE, { ...base, layers: [descriptor(layer), descriptor(layer)] }],
      ['an image without a type inside', MANIFEST_TYPE, { ...base, mediaType: undefined }],
      ['a Docker image', docker, { ...base, mediaType: docker }],
      ['a Docker list', list, { schemaVersion: 2, mediaType: list, manifests: [child] }],
      ['an index', INDEX_TYPE, { schemaVersion: 2, mediaType: INDEX_TYPE, manifests: [child] }],
      ['an empty index', INDEX_TYPE, { schemaVersion: 2, mediaType: INDEX_TYPE, manifests: [] }],
      ['an artifact', MANIFEST_TYPE, { ...base, artifactType: 'application/vnd.example+type' }],
      ['an artifact without layers', MANIFEST_TYPE, { ...base, artifactType: 'a/b', config: data, layers: [] }],
      [
        'an artifact index',
        INDEX_TYPE,
        { schemaVersion: 2, mediaType: INDEX_TYPE, artifactType: 'a/b', manifests: [child] },
      ],
      ['data fields', MANIFEST_TYPE, { ...base, config: data, layers: [data] }],
      ['a layer that lives elsewhere', MANIFEST_TYPE, { ...base, layers: [descriptor(layer), foreign] }],
      ['fields of its own', MANIFEST_TYPE, { ...base, 'org.example.custom': { deep: [1, { x: null }] } }],
      ['a type nobody knows', 'application/vnd.example.thing.v1+json', { anything: ['goes'], layers: 5 }],
    ]
    for (const [what, type, document] of documents) {
      // Spaces and order are the client's.
      const bytes = Buffer.from(`${JSON.stringify(document, null, 3)}\n`)
      for (const reference of ['tagged', sha256(bytes), sha512(bytes)]) {
        const answered = await app.putManifest(reference, bytes, `${type}; charset=utf-8`)
        expect([what, reference.slice(0, 6), answered.status]).toEqual([what, reference.slice(0, 6), 201])
        const digest = reference.startsWith('sha512:') ? reference : sha256(bytes)
        expect(answered.headers.get('docker-content-digest')).toBe(digest)
        for (const accept of ['*/*', MANIFEST_TYPE, 'a/b, c/d', `${docker}, ${list}`]) {
          const got = await app.fetch(answered.headers.get('location') ?? '', { headers: { accept } })
          expect([what, got.status, got.headers.get('content-type')]).toEqual([what, 200, type])
          expect(got.headers.get('content-length')).toBe(String(bytes.length))
          expect((await bytesOf(got)).equals(bytes)).toBe(true)
        }
      }
    }
    const opaque = Buffer.from([0, 1, 2, 255])
    expect((await app.putManifest('opaque', opaque, 'application/octet-stream')).status).toBe(201)
    expect((await bytesOf(await app.fetch('manifests/opaque'))).equals(opaque)).toBe(true)
  })

  it('of sha512 are named, listed, referred to and deleted by it', async () => {
    const app = client('library/long')
    const layer = someBytes(10)
    for (const blob of [EMPTY, layer]) {
      expect((await app.postBlob(blob, sha512(blob))).status).toBe(201)
    }
    const subject = json({
      schemaVersion: 2,
      mediaType: MANIFEST_TYPE,
      config: descriptor(EMPTY, sha512(EMPTY)),
      layers: [descriptor(layer, sha512(layer))],
    })
    const pushed = await app.fetch(`manifests/${sha512(subject)}?tag=one&tag=two`, {
      method: 'PUT',
      body: subject,
      headers: { 'content-type': MANIFEST_TYPE },
    })
    expect(pushed.status).toBe(201)
    expect(pushed.headers.get('docker-content-digest')).toBe(sha512(subject))
    const byTag = await app.fetch('manifests/two', { method: 'HEAD' })
    expect(byTag.headers.get('docker-content-digest')).toBe(sha512(subject))
    const referrer = json({
      schemaVersion: 2,
      mediaType: MANIFEST_TYPE,
      artifactType: 'a/b',
      config: descriptor(EMPTY, sha512(EMPTY)),
      layers: [],
      subject: { mediaType: MANIFEST_TYPE, digest: sha512(subject), size: subject.length },
    })
    const referring = await app.putManifest(sha512(referrer), referrer)
    expect([referring.status, referring.headers.get('oci-subject')]).toEqual([201, sha512(subject)])
    const list = async () =>
      ((await (await app.fetch(`referrers/${sha512(subject)}`)).json()) as { manifests: { digest: string }[] })
        .manifests
    expect((await list()).map(({ digest }) => digest)).toEqual([sha512(referrer)])
    const index = indexBytes(sha512(subject), subject.length)
    expect((await app.putManifest(sha512(index), index, INDEX_TYPE)).status).toBe(201)
    expect((await app.fetch(`manifests/${sha512(index)}`, { method: 'DELETE' })).status).toBe(202)
    expect((await app.fetch(`manifests/${sha512(subject)}`, { method: 'DELETE' })).status).toBe(202)
    expect((await app.fetch('manifests/one')).status).toBe(404)
  })

  function indexBytes(digest: string, size: number): Buffer {
    return json({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests: [{ mediaType: MANIFEST_TYPE, digest, size }] })
  }

  it('that refer to a subject are filtered by a type with a plus in it, escaped or not', async () => {
    const app = client('library/plus')
    const subject = { mediaType: MANIFEST_TYPE, digest: sha256('any subject'), size: 11 }
    const wanted = someImage([5], { artifactType: 'application/vnd.example.a+json', subject })
    for (const image of [wanted, someImage([5], { artifactType: 'application/vnd.example.b+json', subject })]) {
      expect((await app.pushImage(image)).headers.get('oci-subject')).toBe(subject.digest)
    }
    for (const type of ['application/vnd.example.a+json', 'application%2Fvnd.example.a%2Bjson']) {
      const answered = await app.fetch(`referrers/${subject.digest}?artifactType=${type}`)
      expect(answered.headers.get('oci-filters-applied')).toBe('artifactType')
      const { manifests } = (await answered.json()) as { manifests: { digest: string }[] }
      expect(manifests.map(({ digest }) => digest)).toEqual([wanted.digest])
    }
    const none = await app.fetch(`referrers/${subject.digest}?artifactType=application/vnd.example.c`)
    expect(((await none.json()) as { manifests: unknown[] }).manifests).toEqual([])
    expect(none.headers.get('oci-filters-applied')).toBe('artifactType')
  })

  it('of indexes in indexes are kept, and hold what they name', async () => {
    const app = client('library/nested')
    const image = someImage()
    await app.pushImage(image)
    const inner = indexOf([image])
    expect((await app.putManifest('inner', inner.manifest, INDEX_TYPE)).status).toBe(201)
    const outer = json({
      schemaVersion: 2,
      mediaType: INDEX_TYPE,
      manifests: [{ mediaType: INDEX_TYPE, digest: inner.digest, size: inner.manifest.length }],
    })
    expect((await app.putManifest('outer', outer, INDEX_TYPE)).status).toBe(201)
    expect((await app.fetch(`manifests/${inner.digest}`, { method: 'DELETE' })).status).toBe(412)
    expect((await app.fetch('manifests/outer', { method: 'DELETE' })).status).toBe(202)
    expect((await app.fetch(`manifests/${sha256(outer)}`, { method: 'DELETE' })).status).toBe(202)
    expect((await app.fetch(`manifests/${inner.digest}`, { method: 'DELETE' })).status).toBe(202)
  })

  it('that could be read in two ways are refused', async () => {
    const app = client('library/two-ways')
    const image = someImage()
    await app.pushImage(image)
    const document = JSON.parse(image.manifest.toString()) as Record<string, unknown>
    const text = image.manifest.toString()
    const cases: [string, Buffer, string][] = [
      ['layers and manifests', json({ ...document, manifests: [] }), MANIFEST_TYPE],
      [
        'manifests and layers',
        json({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests: [], layers: [] }),
        INDEX_TYPE,
      ],
      [
        'manifests and a config',
        json({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests: [], config: document.config }),
        INDEX_TYPE,
      ],
      ['another type inside', image.manifest, INDEX_TYPE],
      ['a key twice', Buffer.from(text.replace('{', '{"schemaVersion":2,')), MANIFEST_TYPE],
      ['a key twice, once escaped', Buffer.from(text.replace('{', '{"l\\u0061yers":[],')), MANIFEST_TYPE],
      ['a key in other letters', Buffer.from(text.replace('{', '{"Layers":[],')), MANIFEST_TYPE],
      ['a byte order mark', Buffer.concat([Buffer.from('\ufeff'), image.manifest]), MANIFEST_TYPE],
      ['something after it', Buffer.from(`${text}{}`), MANIFEST_TYPE],
      [
        'arrays without end',
        Buffer.from(text.replace('{', `{"x":${'['.repeat(100_000)}${']'.repeat(100_000)},`)),
        MANIFEST_TYPE,
      ],
      [
        'objects a hundred deep',
        Buffer.from(text.replace('{', `{"x":${'{"a":'.repeat(100)}1${'}'.repeat(100)},`)),
        MANIFEST_TYPE,
      ],
      [
        'ten thousand and one children',
        json({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests: Array(10_001).fill(document.config) }),
        INDEX_TYPE,
      ],
      ['an opaque one of another type inside', json({ mediaType: MANIFEST_TYPE }), 'application/vnd.example+json'],
    ]
    for (const [what, bytes, type] of cases) {
      const answered = await app.putManifest('1', bytes, type)
      expect([what, answered.status, await codeOf(answered)]).toEqual([what, 400, 'MANIFEST_INVALID'])
    }
    expect((await app.fetch('manifests/1')).status).toBe(404)
  })

  it('of Docker schema 1 are refused as unsupported', async () => {
    const app = client()
    for (const type of ['manifest.v1+json', 'manifest.v1+prettyjws']) {
      const answered = await put(
        app,
        { schemaVersion: 1, name: 'x', tag: '1' },
        `application/vnd.docker.distribution.${type}`,
      )
      expect([answered.status, await codeOf(answered)]).toEqual([400, 'UNSUPPORTED'])
    }
    const untyped = await put(app, { schemaVersion: 1, name: 'x', tag: '1' }, '')
    expect([untyped.status, await codeOf(untyped)]).toEqual([400, 'UNSUPPORTED'])
  })

  it('set as many tags as they are pushed with, or none', async () => {
    const app = client('library/tags')
    const image = someImage()
    await app.pushImage(image)
    const push = (tags: string[]) =>
      app.fetch(`manifests/${image.digest}?${tags.map((tag) => `tag=${tag}`).join('&')}`, {
        method: 'PUT',
        body: image.manifest as Uint8Array<ArrayBuffer>,
        headers: { 'content-type': MANIFEST_TYPE },
      })
    const ten = Array.from({ length: 10 }, (_, i) => `t${i}`)
    const answered = await push(ten)
    expect([answered.status, answered.headers.get('oci-tag')]).toEqual([201, ten.join(', ')])
    const wrong = await push(['fine', '-not'])
    expect([wrong.status, await codeOf(wrong)]).toEqual([400, 'TAG_INVALID'])
    const many = await push(Array.from({ length: 33 }, (_, i) => `m${i}`))
    expect([many.status, await codeOf(many)]).toEqual([414, 'TAG_INVALID'])
    const { tags } = (await (await app.fetch('tags/list')).json()) as { tags: string[] }
    expect(tags).toEqual(ten)
  })

  it('that name what they must not are refused', async () => {
    const app = client('library/wrong')
    await app.postBlob(EMPTY)
    const base = { schemaVersion: 2, mediaType: MANIFEST_TYPE, config: descriptor(EMPTY), layers: [] as unknown[] }
    const layer = (over: object) => ({ ...base, layers: [{ ...descriptor(EMPTY), ...over }] })
    for (const document of [
      layer({ size: -1 }),
      layer({ size: 1.5 }),
      layer({ size: 2 ** 53 }),
      layer({ size: '2' }),
      layer({ size: 3 }),
      layer({ digest: 'sha256:abc' }),
      layer({ digest: `sha256:${'G'.repeat(64)}` }),
      layer({ mediaType: '' }),
      layer({ mediaType: 5 }),
      layer({ urls: 'x' }),
      layer({ annotations: { a: 1 } }),
      { ...base, config: null },
      { ...base, layers: {} },
      { ...base, subject: { digest: 'x' } },
      { ...base, schemaVersion: 3 },
      { ...base, annotations: [] },
    ]) {
      const answered = await put(app, document, MANIFEST_TYPE)
      expect([document, answered.status, await codeOf(answered)]).toEqual([document, 400, 'MANIFEST_INVALID'])
    }
    for (const digest of [sha256('missing'), `md5:${'0'.repeat(32)}`, `blake3:${'0'.repeat(64)}`]) {
      const answered = await put(app, layer({ digest }), MANIFEST_TYPE)
      expect([digest, answered.status, await codeOf(answered)]).toEqual([digest, 404, 'MANIFEST_BLOB_UNKNOWN'])
    }
  })

  it('are gone at once by tag and by digest, and deleting again finds nothing', async () => {
    const app = client('library/deleted')
    const image = someImage()
    await app.pushImage(image, 'one')
    await app.pushImage(image, 'two')
    const status = async (reference: string, method = 'GET') =>
      (await app.fetch(`manifests/${reference}`, { method })).status
    expect(await status('one', 'DELETE')).toBe(202)
    expect(await status('one', 'DELETE')).toBe(404)
    expect(await status('one')).toBe(404)
    expect(await status(image.digest)).toBe(200)
    expect(await status(image.digest, 'DELETE')).toBe(202)
    expect(await status(image.digest, 'DELETE')).toBe(404)
    expect(await status('two')).toBe(404)
    expect(await status(image.digest)).toBe(404)
    for (const [reference, code] of [
      ['-bad', 'TAG_INVALID'],
      ['sha256:bad', 'DIGEST_INVALID'],
    ]) {
      const answered = await app.fetch(`manifests/${reference}`, { method: 'DELETE' })
      expect([reference, answered.status, await codeOf(answered)]).toEqual([reference, 400, code])
    }
  })
})

describe('the tags of a repository', () => {
  it('come in pages of n, after last, and all without either', async () => {
    const app = client('library/paged')
    const image = someImage()
    const names = ['A', 'B', 'a', 'b', 'c', '1.0', '1.0-rc', '_x', 'x'.repeat(128)]
    for (const name of names) await app.pushImage(image, name)
    const sorted = names.toSorted()
    const list = async (query: string) => {
      const answered = await app.fetch(`tags/list${query}`)
      expect([query, answered.status]).toEqual([query, 200])
      const body = (await answered.json()) as { name: string; tags: string[] }
      return { ...body, link: answered.headers.get('link') }
    }
    expect(await list('')).toEqual({ name: 'library/paged', tags: sorted, link: null })
    expect(await list('?n=0')).toEqual({ name: 'library/paged', tags: [], link: null })
    expect((await list(`?n=${names.length}`)).link).toBeNull()
    expect((await list('?last=B')).tags).toEqual(sorted.filter((name) => name > 'B'))
    expect((await list('?last=between')).tags).toEqual(sorted.filter((name) => name > 'between'))
    expect((await list('?last=zzz')).tags).toEqual([])
    expect((await list('?n=5000')).tags).toEqual(sorted)
    const walked: string[] = []
    for (let path = '/v2/library/paged/tags/list?n=2'; path !== ''; ) {
      const answered = await app.fetch(new URL(path, replica.url).href)
      const { tags } = (await answered.json()) as { tags: string[] }
      walked.push(...tags)
      path = /^<([^>]+)>; rel="next"$/.exec(answered.headers.get('link') ?? '')?.[1] ?? ''
    }
    expect(walked).toEqual(sorted)
    for (const n of ['-1', '1.5', 'x', '', '99999999999999999']) {
      const answered = await app.fetch(`tags/list?n=${n}`)
      expect([n, answered.status, await codeOf(answered)]).toEqual([n, 400, 'PAGINATION_NUMBER_INVALID'])
    }
  })

  it('are an empty list where there are none, and 404 where there is no repository', async () => {
    const app = client('library/untagged')
    await app.pushImage(someImage())
    expect(await (await app.fetch('tags/list')).json()).toEqual({ name: 'library/untagged', tags: [] })
    const never = await client('library/never-pushed').fetch('tags/list')
    expect([never.status, await codeOf(never)]).toEqual([404, 'NAME_UNKNOWN'])
    await client('library/blob-only').postBlob(someBytes(3))
    expect((await client('library/blob-only').fetch('tags/list')).status).toBe(404)
  })
})
