import { INDEX_TYPE, indexOf, MANIFEST_TYPE, someImage, type TestImage } from '@berth/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RegistryClient } from '../testing/registry-client.ts'
import { openWorld, type Replica, type World } from '../testing/test-world.ts'

let world: World
let one: Replica
let two: Replica

beforeAll(async () => {
  world = await openWorld()
  one = await world.startReplica()
  two = await world.startReplica()
})
afterAll(() => world?.stop())

const client = (name: string, replica = one) => new RegistryClient(replica.url, name, `Bearer ${world.tokenFor(name)}`)
const subjectOf = (image: { manifest: Buffer; digest: string }) => ({
  mediaType: MANIFEST_TYPE,
  digest: image.digest,
  size: image.manifest.length,
})
const signatureOf = (image: { manifest: Buffer; digest: string }) =>
  someImage([10], { artifactType: 'application/vnd.example.signature', subject: subjectOf(image) })

async function shown(name: string): Promise<string[]> {
  const rows = await world.sql<{ digest: string }>(
    'SELECT m.digest FROM registry.manifest m JOIN registry.repository r ON r.id = m.repository_id WHERE r.name = $1 AND m.shown',
    [name],
  )
  return rows.map(({ digest }) => digest).sort()
}

async function digests(name: string): Promise<string[]> {
  const rows = await world.sql<{ digest: string }>(
    'SELECT m.digest FROM registry.manifest m JOIN registry.repository r ON r.id = m.repository_id WHERE r.name = $1',
    [name],
  )
  return rows.map(({ digest }) => digest).sort()
}

/** What is shown, said from nothing but the tables it follows from. */
async function wronglyShown(): Promise<number> {
  const [row] = await world.sql<{ count: string }>(
    `SELECT count(*) FROM registry.manifest m WHERE m.shown <> (m.accessory_type IS NULL AND (
       EXISTS (SELECT 1 FROM registry.tag t WHERE t.manifest_id = m.id)
       OR NOT EXISTS (SELECT 1 FROM registry.manifest_child c WHERE c.child_id = m.id)))`,
  )
  return Number(row?.count)
}

/** By how much the usage of the project differs from what its manifests name. */
async function usageDrift(): Promise<number> {
  const [row] = await world.sql<{ drift: string }>(
    `SELECT p.used - coalesce((SELECT sum(b.size) FROM registry.blob b WHERE EXISTS (
       SELECT 1 FROM registry.manifest_blob mb WHERE mb.blob_id = b.id AND mb.project_id = p.id)), 0) AS drift
     FROM registry.project p`,
  )
  return Number(row?.drift)
}

const sorted = (...images: { digest: string }[]) => images.map(({ digest }) => digest).sort()

describe('an artifact list', () => {
  it('hides the untagged children of an index, and shows them again without it', async () => {
    const app = client('library/children')
    const [a, b] = [someImage(), someImage()]
    const index = indexOf([a, b])
    await app.pushImage(a)
    await app.pushImage(b, 'b')
    expect(await shown('library/children')).toEqual(sorted(a, b))
    expect((await app.putManifest('all', index.manifest, INDEX_TYPE)).status).toBe(201)
    expect(await shown('library/children')).toEqual(sorted(b, index))

    await app.fetch('manifests/b', { method: 'DELETE' })
    expect(await shown('library/children')).toEqual(sorted(index))
    await app.putManifest('b', b.manifest)
    expect(await shown('library/children')).toEqual(sorted(b, index))
    // A tag that moves on leaves a child behind.
    const other = someImage()
    await app.pushImage(other, 'b')
    await expect.poll(() => shown('library/children')).toEqual(sorted(index, other))

    expect((await app.fetch(`manifests/${a.digest}`, { method: 'DELETE' })).status).toBe(412)
    expect((await app.fetch(`manifests/${index.digest}`, { method: 'DELETE' })).status).toBe(202)
    expect(await shown('library/children')).toEqual(sorted(a, b, other))
  })

  it('goes on hiding what a second index names', async () => {
    const app = client('library/shared')
    const [a, b, c] = [someImage(), someImage(), someImage()]
    for (const image of [a, b, c]) await app.pushImage(image)
    const [first, second] = [indexOf([a, b]), indexOf([b, c])]
    await app.putManifest('first', first.manifest, INDEX_TYPE)
    await app.putManifest('second', second.manifest, INDEX_TYPE)
    await app.fetch(`manifests/${first.digest}`, { method: 'DELETE' })
    expect(await shown('library/shared')).toEqual(sorted(a, second))
  })

  it('hides accessories, tagged or not, before and after their subject', async () => {
    const app = client('library/signed')
    const image = someImage()
    const signature = signatureOf(image)
    const cosign = someImage([10], {
      layers: [
        {
          mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json',
          digest: `sha256:${'0'.repeat(64)}`,
          size: 1,
          urls: ['https://example.com'],
        },
      ],
    })
    await app.pushImage(signature, 'signature')
    await app.pushImage(image, '1')
    await app.pushImage(cosign)
    expect(await shown('library/signed')).toEqual(sorted(image, cosign))
    await app.putManifest(`${image.digest.replace(':', '-')}.sig`, cosign.manifest)
    expect(await shown('library/signed')).toEqual(sorted(image))
    const rows = await world.sql(
      `SELECT digest, accessory_type, accessory_of FROM registry.manifest WHERE accessory_of = $1 ORDER BY id`,
      [image.digest],
    )
    expect(rows).toEqual([
      { digest: signature.digest, accessory_type: 'subject.accessory', accessory_of: image.digest },
      { digest: cosign.digest, accessory_type: 'signature.cosign', accessory_of: image.digest },
    ])
  })

  it('is right whatever two replicas do at once', async () => {
    const names = [client('library/race', one), client('library/race', two)]
    const images = Array.from({ length: 6 }, () => someImage([10]))
    const signatures = images.map(signatureOf)
    for (const image of [...images, ...signatures]) await names[0]?.pushImage(image)
    const indexes = [indexOf(images.slice(0, 4)), indexOf(images.slice(2)), indexOf(images), indexOf(signatures)]
    const pick = <T>(from: readonly T[]): T => from[Math.floor(Math.random() * from.length)] as T
    const schemeOf = ({ digest }: { digest: string }) => digest.replace(':', '-')
    const doings = [
      (app: RegistryClient) => app.putManifest(pick(['x', 'y', 'z']), pick(images).manifest),
      (app: RegistryClient) => app.putManifest(pick(['x', 'y', 'z']), pick(images).manifest),
      (app: RegistryClient) => app.fetch(`manifests/${pick(['x', 'y', 'z', 's'])}`, { method: 'DELETE' }),
      (app: RegistryClient) => app.putManifest(pick(indexes).digest, pick(indexes).manifest, INDEX_TYPE),
      (app: RegistryClient) => app.putManifest(pick(['x', 'i']), pick(indexes).manifest, INDEX_TYPE),
      (app: RegistryClient) => app.fetch(`manifests/${pick(indexes).digest}`, { method: 'DELETE' }),
      (app: RegistryClient) => app.putManifest(pick(['s', 'x']), pick(signatures).manifest),
      (app: RegistryClient) => app.putManifest(schemeOf(pick(images)), pick(indexes).manifest, INDEX_TYPE),
      (app: RegistryClient) => app.fetch(`manifests/${pick(images).digest}`, { method: 'DELETE' }),
      (app: RegistryClient) => app.putManifest(pick(images).digest, pick(images).manifest),
    ]
    const statuses = new Set<number>()
    const worker = async (app: RegistryClient) => {
      for (let n = 0; n < 60; n++) {
        const answered = await pick(doings)(app)
        await answered.arrayBuffer()
        statuses.add(answered.status)
      }
    }
    await Promise.all(names.flatMap((app) => [worker(app), worker(app), worker(app), worker(app)]))
    expect([...statuses].filter((status) => status >= 500)).toEqual([])
    await expect.poll(wronglyShown).toBe(0)
    expect(await usageDrift()).toBe(0)
  })
})

describe('deleting an artifact', () => {
  it('deletes its accessories with theirs, their tags and their usage', async () => {
    const app = client('library/deleted')
    const [image, other] = [someImage(), someImage()]
    const signature = signatureOf(image)
    const ofSignature = signatureOf(signature)
    const unrelated = signatureOf(other)
    for (const one of [image, other, signature, ofSignature, unrelated]) await app.pushImage(one)
    await app.putManifest('signature', signature.manifest)
    const before = await world.sql<{ used: number }>('SELECT used::int FROM registry.project')
    expect((await app.fetch(`manifests/${image.digest}`, { method: 'DELETE' })).status).toBe(202)
    expect(await digests('library/deleted')).toEqual(sorted(other, unrelated))
    const bytes = (one: TestImage) => [one.config, ...one.layers].reduce((sum, { length }) => sum + length, 0)
    const after = await world.sql<{ used: number }>('SELECT used::int FROM registry.project')
    expect((before[0]?.used ?? 0) - (after[0]?.used ?? 0)).toBe(bytes(image) + bytes(signature) + bytes(ofSignature))
    expect((await app.fetch('manifests/signature')).status).toBe(404)
  })

  it('leaves an accessory that an index names', async () => {
    const app = client('library/named')
    const image = someImage()
    const [loose, named] = [signatureOf(image), signatureOf(image)]
    const ofNamed = signatureOf(named)
    for (const one of [image, loose, named, ofNamed]) await app.pushImage(one)
    const index = indexOf([named])
    await app.putManifest('index', index.manifest, INDEX_TYPE)
    expect((await app.fetch(`manifests/${image.digest}`, { method: 'DELETE' })).status).toBe(202)
    expect(await digests('library/named')).toEqual(sorted(named, ofNamed, index))
  })

  it('deletes one accessory alone', async () => {
    const app = client('library/alone')
    const image = someImage()
    const [gone, kept] = [signatureOf(image), signatureOf(image)]
    for (const one of [image, gone, kept]) await app.pushImage(one)
    expect((await app.fetch(`manifests/${gone.digest}`, { method: 'DELETE' })).status).toBe(202)
    expect(await digests('library/alone')).toEqual(sorted(image, kept))
  })

  it('takes the list of referrers that stands under its fallback tag along', async () => {
    const app = client('library/fallback')
    const image = someImage()
    const signature = signatureOf(image)
    for (const one of [image, signature]) await app.pushImage(one)
    const list = indexOf([signature])
    await app.putManifest(image.digest.replace(':', '-'), list.manifest, INDEX_TYPE)
    expect(await shown('library/fallback')).toEqual(sorted(image))
    expect((await app.fetch(`manifests/${image.digest}`, { method: 'DELETE' })).status).toBe(202)
    expect(await digests('library/fallback')).toEqual([])
  })

  it('comes to an end where tags go round in a circle', async () => {
    const app = client('library/circle')
    const [a, b, c] = [someImage(), someImage(), someImage()]
    for (const one of [a, b, c]) await app.pushImage(one)
    const under = (of: TestImage) => `${of.digest.replace(':', '-')}.att`
    await app.putManifest(under(b), a.manifest)
    await app.putManifest(under(c), b.manifest)
    await app.putManifest(under(a), c.manifest)
    expect((await app.fetch(`manifests/${a.digest}`, { method: 'DELETE' })).status).toBe(202)
    expect(await digests('library/circle')).toEqual([])
  })

  it('deletes more accessories than one transaction takes', async () => {
    const app = client('library/many')
    const image = someImage()
    await app.pushImage(image, '1')
    const [row] = await world.sql<{ id: number; repository_id: number }>(
      'SELECT id, repository_id FROM registry.manifest WHERE digest = $1',
      [image.digest],
    )
    const ids = Array.from({ length: 1_200 }, (_, n) => `sha256:${String(n).padStart(64, '0')}`)
    await world.sql(`INSERT INTO registry.manifest_content (digest, bytes) SELECT unnest($1::text[]), '{}'`, [ids])
    await world.sql(
      `INSERT INTO registry.manifest (repository_id, digest, media_type, size, accessory_type, accessory_of, shown)
       SELECT $1, unnest($2::text[]), 'application/vnd.example+json', 2, 'subject.accessory', $3, false`,
      [row?.repository_id, ids, image.digest],
    )
    expect((await app.fetch(`manifests/${image.digest}`, { method: 'DELETE' })).status).toBe(202)
    expect(await digests('library/many')).toEqual([])
  })
})
