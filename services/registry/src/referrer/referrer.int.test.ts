import { INDEX_TYPE, indexOf, MANIFEST_TYPE, sha256, someImage } from '@berth/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RegistryClient } from '../testing/registry-client.ts'
import { openWorld, type Replica, type World } from '../testing/test-world.ts'

interface Descriptor {
  digest: string
  artifactType?: string
  annotations?: Record<string, string>
}

let world: World
let replica: Replica

beforeAll(async () => {
  world = await openWorld()
  replica = await world.startReplica()
})
afterAll(() => world?.stop())

const client = (name: string) => new RegistryClient(replica.url, name, `Bearer ${world.tokenFor(name)}`)
const subject = { mediaType: MANIFEST_TYPE, digest: sha256('a subject'), size: 9 }
const referrer = (artifactType: string, annotations: Record<string, string> = {}) =>
  someImage([5], { artifactType, subject, annotations })

async function list(app: RegistryClient, path = `referrers/${subject.digest}`) {
  const answered = await app.fetch(path)
  expect(answered.status).toBe(200)
  const bytes = Buffer.from(await answered.arrayBuffer())
  const { manifests } = JSON.parse(bytes.toString()) as { manifests: Descriptor[] }
  const next = /<([^>]+)>; rel="next"/.exec(answered.headers.get('link') ?? '')?.[1]
  return { manifests, digests: manifests.map(({ digest }) => digest), bytes: bytes.length, next, answered }
}

describe('referrers', () => {
  it('of before the referrers API are found under its fallback tag, each once', async () => {
    const app = client('library/legacy')
    const current = referrer('application/vnd.current', { of: 'current' })
    const legacy = someImage([5], { artifactType: 'application/vnd.legacy', annotations: { of: 'legacy' } })
    const plain = someImage([5])
    for (const image of [current, legacy, plain]) await app.pushImage(image)
    const fallback = indexOf([legacy, current, plain])
    expect((await app.putManifest(subject.digest.replace(':', '-'), fallback.manifest, INDEX_TYPE)).status).toBe(201)

    const { manifests } = await list(app)
    expect(manifests).toMatchObject([
      { digest: current.digest, artifactType: 'application/vnd.current', annotations: { of: 'current' } },
      { digest: legacy.digest, artifactType: 'application/vnd.legacy', annotations: { of: 'legacy' } },
      { digest: plain.digest, artifactType: 'application/vnd.oci.image.config.v1+json' },
    ])
    const filtered = await list(app, `referrers/${subject.digest}?artifactType=application/vnd.legacy`)
    expect(filtered.digests).toEqual([legacy.digest])
    expect(filtered.answered.headers.get('oci-filters-applied')).toBe('artifactType')
    expect((await list(app, `referrers/${sha256('another')}`)).digests).toEqual([])
  })

  it('are no children of an image of several platforms, whatever its tag', async () => {
    const app = client('library/plain')
    const image = someImage()
    await app.pushImage(image, subject.digest.replace(':', '-'))
    await app.putManifest('latest', indexOf([image]).manifest, INDEX_TYPE)
    expect((await list(app)).digests).toEqual([])
  })

  it('that are indexes say no type unless they have one', async () => {
    const app = client('library/indexes')
    const index = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests: [], subject }))
    await app.putManifest(sha256(index), index, INDEX_TYPE)
    const { manifests } = await list(app)
    expect(manifests).toEqual([{ mediaType: INDEX_TYPE, digest: sha256(index), size: index.length }])
  })

  it('come in pages of at most 500 and of at most four mebibytes', async () => {
    const app = client('library/pages')
    const large = Array.from({ length: 6 }, () => referrer('application/vnd.large', { filler: '☃'.repeat(400_000) }))
    for (const image of large) expect((await app.pushImage(image)).status).toBe(201)
    const seen: string[] = []
    let path: string | undefined = `referrers/${subject.digest}`
    for (let page = 0; path !== undefined && page < 10; page++) {
      const { digests, bytes, next } = await list(app, path)
      expect(bytes).toBeLessThan(4 * 1024 * 1024)
      expect(digests.length).toBeGreaterThan(0)
      seen.push(...digests)
      path = next
    }
    expect(seen).toEqual(large.map(({ digest }) => digest))
  })

  it('come through page after page without one missing', async () => {
    const app = client('library/thousands')
    await app.pushImage(referrer('application/vnd.first'))
    const [row] = await world.sql<{ repository_id: number; digest: string }>(
      `SELECT m.repository_id, m.digest FROM registry.manifest m JOIN registry.repository r ON r.id = m.repository_id
       WHERE r.name = 'library/thousands'`,
    )
    const digests = Array.from({ length: 1_234 }, (_, n) => `sha256:${String(n).padStart(64, '0')}`)
    await world.sql(`INSERT INTO registry.manifest_content (digest, bytes) SELECT unnest($1::text[]), '{}'`, [digests])
    await world.sql(
      `INSERT INTO registry.manifest (repository_id, digest, media_type, size, subject_digest)
       SELECT $1, d, 'application/vnd.example+json', 700, $3 FROM unnest($2::text[]) d ORDER BY d`,
      [row?.repository_id, digests, subject.digest],
    )
    const pages: string[][] = []
    let path: string | undefined = `referrers/${subject.digest}`
    while (path !== undefined && pages.length < 10) {
      const page = await list(app, path)
      pages.push(page.digests)
      path = page.next
    }
    expect(pages.map(({ length }) => length)).toEqual([500, 500, 235])
    expect(pages.flat()).toEqual([row?.digest, ...digests])
  })
})
