import { connectBus, type Followed } from '@berth/messaging'
import { natsSettings, silentLogger } from '@berth/runtime'
import { MANIFEST_TYPE, sha256, someBytes, someImage } from '@berth/testkit'
import { EventEnvelope } from '@berth/types'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { codeOf, RegistryClient } from '../testing/registry-client.ts'
import { openWorld, type Replica, type World } from '../testing/test-world.ts'

let world: World
let one: Replica
let two: Replica
const told: EventEnvelope[] = []

beforeAll(async () => {
  world = await openWorld()
  for (const subject of ['event.artifact.*', 'event.tag.*']) {
    world.bus.connection.subscribe(subject, {
      callback: (_err, message: Pick<Followed, 'data'>) => {
        told.push(EventEnvelope.parse(JSON.parse(new TextDecoder().decode(message.data))))
      },
    })
  }
  one = await world.startReplica()
  two = await world.startReplica()
})
afterAll(() => world?.stop())

const client = (name: string, replica = one) => new RegistryClient(replica.url, name, `Bearer ${world.tokenFor(name)}`)

describe('manifests', () => {
  it('refuses what is no manifest, with the right code', async () => {
    const app = client('library/bad')
    const image = someImage()
    for (const blob of [image.config, ...image.layers]) await app.postBlob(blob)
    const document = JSON.parse(image.manifest.toString()) as Record<string, unknown>
    const text = (value: unknown) => Buffer.from(JSON.stringify(value))
    const cases: [string, Buffer, string, number, string][] = [
      ['1', Buffer.from('{'), MANIFEST_TYPE, 400, 'MANIFEST_INVALID'],
      ['1', Buffer.alloc(0), MANIFEST_TYPE, 400, 'MANIFEST_INVALID'],
      ['1', text([]), MANIFEST_TYPE, 400, 'MANIFEST_INVALID'],
      ['1', text({ ...document, manifests: [] }), MANIFEST_TYPE, 400, 'MANIFEST_INVALID'],
      ['1', image.manifest, 'application/vnd.oci.image.index.v1+json', 400, 'MANIFEST_INVALID'],
      ['1', image.manifest, 'nonsense', 400, 'MANIFEST_INVALID'],
      [
        '1',
        text({ ...document, config: { ...(document.config as object), size: 1 } }),
        MANIFEST_TYPE,
        400,
        'MANIFEST_INVALID',
      ],
      ['.bad', image.manifest, MANIFEST_TYPE, 400, 'TAG_INVALID'],
      ['sha256:abc', image.manifest, MANIFEST_TYPE, 400, 'DIGEST_INVALID'],
      [`blake3:${'0'.repeat(64)}`, image.manifest, MANIFEST_TYPE, 400, 'DIGEST_INVALID'],
      [sha256('other'), image.manifest, MANIFEST_TYPE, 400, 'DIGEST_INVALID'],
      ['1', Buffer.alloc(4 * 1024 * 1024 + 1, 0x20), MANIFEST_TYPE, 413, 'SIZE_INVALID'],
    ]
    for (const [reference, bytes, type, status, code] of cases) {
      const answered = await app.putManifest(reference, bytes, type)
      expect([answered.status, await codeOf(answered)]).toEqual([status, code])
    }
    expect((await app.fetch('tags/list')).status).toBe(404)
  })

  it('takes one of just under four mebibytes', async () => {
    const app = client('library/large')
    const image = someImage([10], { annotations: { filler: 'x'.repeat(3_900_000) } })
    expect((await app.pushImage(image, '1')).status).toBe(201)
    const got = await app.fetch('manifests/1')
    expect(sha256(Buffer.from(await got.arrayBuffer()))).toBe(image.digest)
  })

  it('answers conditional requests', async () => {
    const app = client('library/etag')
    const image = someImage()
    await app.pushImage(image, '1')
    const etag = (await app.fetch('manifests/1')).headers.get('etag') ?? ''
    expect((await app.fetch('manifests/1', { headers: { 'if-none-match': etag } })).status).toBe(304)
    expect((await app.fetch('manifests/1', { headers: { 'if-none-match': '"other"' } })).status).toBe(200)
    const layer = `blobs/${sha256(image.config)}`
    const blobEtag = (await app.fetch(layer)).headers.get('etag') ?? ''
    expect((await app.fetch(layer, { headers: { 'if-none-match': blobEtag } })).status).toBe(304)
    const partial = { range: 'bytes=0-1', 'if-range': '"other"' }
    expect((await app.fetch(layer, { headers: partial })).status).toBe(200)
  })

  it('does not ask for layers that live elsewhere', async () => {
    const app = client('library/foreign')
    const foreign = {
      mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar',
      digest: sha256('elsewhere'),
      size: 9,
    }
    const image = someImage([10], { layers: [foreign] })
    expect((await app.pushImage(image, '1')).status).toBe(201)
  })

  it('lists what refers to a subject, present or not', async () => {
    const app = client('library/subject')
    const subject = { mediaType: MANIFEST_TYPE, digest: sha256('a subject that is not here'), size: 26 }
    const referrers = ['application/vnd.a', 'application/vnd.b'].map((artifactType) =>
      someImage([5], { artifactType, subject, annotations: { of: artifactType } }),
    )
    const list = async (query = '') => {
      const answered = await app.fetch(`referrers/${subject.digest}${query}`)
      expect(answered.status).toBe(200)
      expect(answered.headers.get('content-type')).toBe('application/vnd.oci.image.index.v1+json')
      return { answered, index: (await answered.json()) as { manifests: Record<string, unknown>[] } }
    }
    expect((await list()).index.manifests).toEqual([])
    for (const image of referrers) {
      const put = await app.pushImage(image)
      expect(put.headers.get('oci-subject')).toBe(subject.digest)
    }
    expect((await list()).index).toMatchObject({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      manifests: referrers.map((image, i) => ({
        mediaType: MANIFEST_TYPE,
        digest: image.digest,
        size: image.manifest.length,
        artifactType: ['application/vnd.a', 'application/vnd.b'][i],
      })),
    })
    const filtered = await list('?artifactType=application/vnd.b')
    expect(filtered.answered.headers.get('oci-filters-applied')).toBe('artifactType')
    expect(filtered.index.manifests.map(({ digest }) => digest)).toEqual([referrers[1]?.digest])
    expect((await client('library/never').fetch(`referrers/${sha256('x')}`)).status).toBe(200)
    expect((await app.fetch('referrers/sha256:x')).status).toBe(400)
  })

  it('keeps a tag when only the tag of another is deleted, and deletes the tags of a digest with it', async () => {
    const app = client('library/delete')
    const image = someImage()
    for (const tag of ['a', 'b', 'c']) await app.pushImage(image, tag)
    expect((await app.fetch('manifests/a', { method: 'DELETE' })).status).toBe(202)
    expect((await app.fetch('manifests/a')).status).toBe(404)
    expect((await app.fetch('manifests/b')).status).toBe(200)
    expect((await app.fetch('manifests/a', { method: 'DELETE' })).status).toBe(404)
    const layer = `blobs/${sha256(image.layers[0] ?? '')}`
    const referenced = await app.fetch(layer, { method: 'DELETE' })
    expect([referenced.status, await codeOf(referenced)]).toEqual([405, 'UNSUPPORTED'])
    expect((await app.fetch(`manifests/${image.digest}`, { method: 'DELETE' })).status).toBe(202)
    for (const reference of ['b', 'c', image.digest]) {
      const answered = await app.fetch(`manifests/${reference}`)
      expect([answered.status, await codeOf(answered)]).toEqual([404, 'MANIFEST_UNKNOWN'])
    }
    expect(await (await app.fetch('tags/list')).json()).toEqual({ name: 'library/delete', tags: [] })
    expect((await app.fetch(layer, { method: 'DELETE' })).status).toBe(202)
    expect((await app.fetch(layer, { method: 'HEAD' })).status).toBe(404)
    expect((await app.fetch(layer, { method: 'DELETE' })).status).toBe(404)
  })

  it('are put by digest under several tags at once', async () => {
    const app = client('library/many')
    const image = someImage()
    for (const blob of [image.config, ...image.layers]) await app.postBlob(blob)
    const put = (tags: string[]) =>
      app.putManifest(`${image.digest}?${tags.map((tag) => `tag=${tag}`).join('&')}`, image.manifest, MANIFEST_TYPE)
    const answered = await put(['b', 'a', '1.0', 'a'])
    expect([answered.status, answered.headers.get('oci-tag')]).toEqual([201, 'b, a, 1.0'])
    const { tags } = (await (await app.fetch('tags/list')).json()) as { tags: string[] }
    expect(tags).toEqual(['1.0', 'a', 'b'])
    for (const tag of tags) {
      expect((await app.fetch(`manifests/${tag}`)).headers.get('docker-content-digest')).toBe(image.digest)
    }
    const wrong = await put(['good', '.bad'])
    expect([wrong.status, await codeOf(wrong)]).toEqual([400, 'TAG_INVALID'])
    expect((await app.fetch('manifests/good')).status).toBe(404)
    expect((await put(Array.from({ length: 33 }, (_, i) => `t${i}`))).status).toBe(414)
  })

  it('pages tags in byte order', async () => {
    const app = client('library/tags')
    const image = someImage()
    await app.pushImage(image, 'a')
    const tags = ['10', '2', 'A', 'B', 'a', 'b']
    for (const tag of tags) await app.putManifest(tag, image.manifest)
    const list = async (query: string) => {
      const answered = await app.fetch(`tags/list${query}`)
      return { body: await answered.json(), link: answered.headers.get('link'), status: answered.status }
    }
    const name = 'library/tags'
    expect(await list('')).toEqual({ body: { name, tags }, link: null, status: 200 })
    expect(await list('?n=0')).toEqual({ body: { name, tags: [] }, link: null, status: 200 })
    expect(await list('?last=A')).toMatchObject({ body: { tags: ['B', 'a', 'b'] } })
    expect(await list('?last=AAA&n=100000')).toMatchObject({ body: { tags: ['B', 'a', 'b'] }, link: null })
    expect(await list('?n=6')).toMatchObject({ body: { tags }, link: null })
    const walked: string[] = []
    let next: string | undefined = `${one.url}/v2/${name}/tags/list?n=4`
    for (let pages = 0; next !== undefined && pages < 5; pages++) {
      const answered: Response = await app.fetch(next)
      walked.push(...((await answered.json()) as { tags: string[] }).tags)
      next = /^<(.*)>; rel="next"$/.exec(answered.headers.get('link') ?? '')?.[1]
    }
    expect(walked).toEqual(tags)
    for (const query of ['?n=-1', '?n=x', '?n=']) {
      const wrong = await app.fetch(`tags/list${query}`)
      expect([wrong.status, await codeOf(wrong)]).toEqual([400, 'PAGINATION_NUMBER_INVALID'])
    }
    expect((await list('?last=%00')).status).toBe(400)
  })
})

describe('many at once', () => {
  it('push one tag, one manifest and each other’s layers without failing', async () => {
    const layers = Array.from({ length: 6 }, () => someBytes(2000))
    const images = Array.from({ length: 12 }, (_, i) => {
      const chosen = layers.filter((_layer, at) => (i + at) % 3 !== 0)
      const base = someImage([])
      const document = JSON.parse(base.manifest.toString()) as Record<string, unknown>
      const ordered = i % 2 === 0 ? chosen : [...chosen].reverse()
      const manifest = Buffer.from(
        JSON.stringify({
          ...document,
          layers: ordered.map((layer) => ({
            mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
            digest: sha256(layer),
            size: layer.length,
          })),
        }),
      )
      return { ...base, manifest, digest: sha256(manifest), layers: ordered }
    })
    const statuses: number[] = []
    const worker = async (start: number) => {
      for (let round = 0; round < 6; round++) {
        const image = images[(start + round * 5) % images.length]
        if (image === undefined) return
        const app = client('library/busy', start % 2 === 0 ? one : two)
        statuses.push((await app.pushImage(image, 'latest')).status)
        if ((start + round) % 4 === 0) {
          const gone = await app.fetch(`manifests/${image.digest}`, { method: 'DELETE' })
          statuses.push(gone.status === 404 ? 202 : gone.status)
        }
      }
    }
    await Promise.all(Array.from({ length: 12 }, (_, i) => worker(i)))
    expect(new Set(statuses)).toEqual(new Set([201, 202]))
    expect(world.postgresLines.filter((line) => line.includes('deadlock'))).toEqual([])

    const last = images[0]
    if (last) expect((await client('library/busy').pushImage(last, 'latest')).status).toBe(201)
    const [usage] = await world.sql<{ used: number; linked: number; named: number }>(
      `SELECT used::int,
         (SELECT coalesce(sum(b.size), 0)::int FROM registry.project_blob pb JOIN registry.blob b ON b.id = pb.blob_id
          WHERE pb.project_id = p.id) AS linked,
         (SELECT coalesce(sum(b.size), 0)::int FROM registry.blob b WHERE EXISTS (
            SELECT 1 FROM registry.manifest_blob mb WHERE mb.blob_id = b.id AND mb.project_id = p.id)) AS named
       FROM registry.project p WHERE p.id = 1`,
    )
    expect(usage?.linked).toBe(usage?.named)
    expect(usage?.used).toBe(usage?.named)
  })
})

describe('events', () => {
  it('tell every push and deletion, in order for each tag, with the request that caused it', async () => {
    const app = client('library/told')
    const images = Array.from({ length: 5 }, () => someImage())
    for (const image of images) {
      for (const blob of [image.config, ...image.layers]) await app.postBlob(blob)
    }
    const requestId = 'request-of-the-test'
    for (const image of images) {
      await app.fetch('manifests/t', {
        method: 'PUT',
        body: image.manifest as Uint8Array<ArrayBuffer>,
        headers: { 'content-type': MANIFEST_TYPE, 'x-request-id': requestId },
      })
      await app.fetch('manifests/t', { method: 'DELETE' })
    }
    await app.fetch(`manifests/${images[0]?.digest}`, { method: 'DELETE' })
    const ours = () => told.filter(({ data }) => (data as { repository: string }).repository === 'library/told')
    await expect.poll(() => ours().length).toBe(11)
    const ofTag = ours().slice(0, 10)
    expect(ofTag.map(({ type }) => type)).toEqual(images.flatMap(() => ['event.artifact.pushed', 'event.tag.deleted']))
    const revisions = ofTag.map(({ revision }) => revision)
    expect(revisions).toEqual([...revisions].sort((a, b) => a - b))
    expect(new Set(revisions).size).toBe(10)
    expect(ours()[0]).toMatchObject({
      requestId,
      actor: 'alice',
      data: { projectId: 1, digest: images[0]?.digest, mediaType: MANIFEST_TYPE, tags: ['t'] },
    })
    expect(ours()[10]).toMatchObject({ type: 'event.artifact.deleted', data: { digest: images[0]?.digest, tags: [] } })
  })

  it('fit into a message, however long a type and however many the tags', async () => {
    const app = client('library/long')
    const image = someImage([10], { artifactType: `application/${'x'.repeat(1_200_000)}` })
    expect((await app.pushImage(image, 'first')).status).toBe(201)
    await world.sql(
      `INSERT INTO registry.tag (repository_id, name, manifest_id, revision)
       SELECT m.repository_id, rpad(n || '-', 120, 'x'), m.id, nextval('registry.revision')
       FROM registry.manifest m, generate_series(1, 8999) n WHERE m.digest = $1`,
      [image.digest],
    )
    expect((await app.fetch(`manifests/${image.digest}`, { method: 'DELETE' })).status).toBe(202)
    const ours = () => told.filter(({ data }) => (data as { repository: string }).repository === 'library/long')
    await expect.poll(() => ours().at(-1)?.type, { timeout: 20_000 }).toBe('event.artifact.deleted')
    const [pushed, ...others] = ours()
    expect(pushed).toMatchObject({ type: 'event.artifact.pushed', data: { digest: image.digest, tags: ['first'] } })
    const tags = others.flatMap(({ type, data }) =>
      type === 'event.tag.deleted' ? [(data as { tag: string }).tag] : (data as { tags: string[] }).tags,
    )
    expect([tags.length, new Set(tags).size, tags.includes('first')]).toEqual([9_000, 9_000, true])
    expect(Buffer.byteLength(JSON.stringify(others.at(-1)))).toBeLessThan(200_000)
  })

  it('wait in the outbox while NATS is away, and pushes and pulls go on', async () => {
    const image = someImage()
    const app = client('library/offline')
    expect((await app.pushImage(image, 'before')).status).toBe(201)
    world.nats.kill('SIGKILL')
    await world.nats.exited
    expect((await app.pushImage(image, 'during')).status).toBe(201)
    expect((await app.fetch('manifests/during')).status).toBe(200)
    await world.nats.restart('SIGKILL')
    const bus = await connectBus({ user: 'everything', nats: natsSettings(world.nats.url), log: silentLogger })
    const count = async () => (await bus.connection.jetstreamManager()).streams.info('EVENTS')
    await expect.poll(async () => (await count()).state.messages, { timeout: 20_000 }).toBeGreaterThan(0)
    const left = async () => (await world.sql('SELECT id FROM registry.outbox')).length
    await expect.poll(left, { timeout: 20_000 }).toBe(0)
    await bus.close()
  })
})
