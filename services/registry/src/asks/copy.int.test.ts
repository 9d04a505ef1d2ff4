import { INDEX_TYPE, indexOf, MANIFEST_TYPE, someImage } from '@berth/testkit'
import { artifactCopy, artifactDelete, artifactGet, artifactSearch, projectCount, verdictSet } from '@berth/types'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type JudgedRoom, type JudgedWorld, keeps, openJudgedWorld } from '../testing/judged-world.ts'

let judged: JudgedWorld
beforeAll(async () => {
  judged = await openJudgedWorld()
})
afterAll(() => judged?.world.stop())

const copy = (from: JudgedRoom, reference: string, to: JudgedRoom) =>
  judged.ask(artifactCopy, { from: { ...from.asked, reference }, to: to.asked, actor: 'alice' })
const usedBy = async ({ project }: JudgedRoom) =>
  (await judged.ask(projectCount, { ids: [project.id] })).counts[0]?.usedBytes
const filesOf = () => judged.world.sql<{ id: number }>('SELECT id FROM registry.blob')

describe('an artifact that is copied', () => {
  it('brings along tags, children, signatures and verdicts, and no byte', async () => {
    const [from, to] = [await judged.newRoom(), await judged.newRoom()]
    const images = [someImage([100]), someImage([200])]
    for (const image of images) await from.client.pushImage(image)
    const index = indexOf(images)
    for (const tag of ['v1', 'latest']) await from.client.putManifest(tag, index.manifest, INDEX_TYPE)
    const subject = { mediaType: INDEX_TYPE, digest: index.digest, size: index.manifest.length }
    const signature = someImage([10], { subject })
    await from.client.pushImage(signature)
    const bySchema = someImage([20])
    const schemaTag = `${index.digest.replace(':', '-')}.att`
    await from.client.pushImage(bySchema, schemaTag)
    await judged.ask(verdictSet, {
      ...from.asked,
      digest: index.digest,
      scanner: 'trivy',
      severity: 'low',
      scannedAt: new Date().toISOString(),
      revision: 1,
    })
    const blobs = await filesOf()
    expect(await copy(from, 'v1', to)).toEqual({ digest: index.digest, copied: 5, done: true })
    expect(await filesOf()).toEqual(blobs)
    const { artifact } = await judged.ask(artifactGet, { ...to.asked, reference: 'latest' })
    expect(artifact).toMatchObject({ digest: index.digest, referenceCount: 2, verdicts: [{ scanner: 'trivy' }] })
    expect(artifact.tags.map(({ name }) => name).toSorted()).toEqual(['latest', 'v1'])
    expect(artifact.accessories.map(({ digest }) => digest).toSorted()).toEqual(
      [signature.digest, bySchema.digest].toSorted(),
    )
    expect((await judged.ask(artifactSearch, to.asked)).total).toBe(1)
    expect(await (await to.client.fetch('tags/list')).json()).toMatchObject({
      tags: ['latest', schemaTag, 'v1'].toSorted(),
    })
    expect(await usedBy(to)).toBe(await usedBy(from))
    for (const image of images) {
      expect((await to.client.fetch(`manifests/${image.digest}`)).status).toBe(200)
      const { layers } = JSON.parse(image.manifest.toString()) as { layers: { digest: string }[] }
      expect((await to.client.fetch(`blobs/${layers[0]?.digest}`)).status).toBe(200)
    }
    // Again: nothing is left to do.
    expect(await copy(from, index.digest, to)).toEqual({ digest: index.digest, copied: 0, done: true })
    const outsider = judged.roomIn(to, 'elsewhere')
    expect((await outsider.client.fetch(`blobs/${bySchema.digest}`)).status).toBe(404)
  })

  it('is another tag of the same bytes within a project, and costs nothing', async () => {
    const from = await judged.newRoom()
    const to = judged.roomIn(from, 'promoted')
    const image = someImage([3_000])
    await from.client.pushImage(image, '1')
    const used = await usedBy(from)
    expect(await copy(from, '1', to)).toMatchObject({ copied: 1, done: true })
    expect(await usedBy(from)).toBe(used)
    expect((await to.client.fetch('manifests/1')).headers.get('docker-content-digest')).toBe(image.digest)
  })

  it('moves a tag that is there, unless a rule keeps it', async () => {
    const [from, to, kept] = [
      await judged.newRoom(),
      await judged.newRoom(),
      await judged.newRoom({ policy: keeps('1') }),
    ]
    const [image, other] = [someImage([1]), someImage([2])]
    await from.client.pushImage(image, '1')
    for (const room of [to, kept]) await room.client.pushImage(other, '1')
    await copy(from, '1', to)
    expect((await to.client.fetch('manifests/1')).headers.get('docker-content-digest')).toBe(image.digest)
    await expect(copy(from, '1', kept)).rejects.toMatchObject({
      code: 'PRECONDITION',
      message: 'the tag 1 configured as immutable, cannot be updated',
    })
    expect((await kept.client.fetch('manifests/1')).headers.get('docker-content-digest')).toBe(other.digest)
    expect((await kept.client.fetch(`manifests/${image.digest}`)).status).toBe(404)
  })

  it('is refused over quota, onto a proxy, as a signature by itself, and where it cannot come from', async () => {
    const from = await judged.newRoom()
    const image = someImage([50_000])
    await from.client.pushImage(image, '1')
    const subject = { mediaType: MANIFEST_TYPE, digest: image.digest, size: image.manifest.length }
    const signature = someImage([10], { subject })
    await from.client.pushImage(signature)
    const small = await judged.newRoom({ quotaLimitBytes: 10_000 })
    const proxy = await judged.newRoom({ kind: 'proxy' })
    const deleting = await judged.newRoom({ state: 'deleting' })
    const to = await judged.newRoom()
    const stale = { ...to, asked: { ...to.asked, project: { ...to.asked.project, accessRevision: 0 } } }
    const lost = { ...to, asked: { ...to.asked, repository: 'nowhere/app' } }
    const refused = async (reference: string, room: JudgedRoom, expected: object) =>
      expect(copy(from, reference, room)).rejects.toMatchObject(expected)
    await refused('1', small, { code: 'DENIED', message: expect.stringMatching(/^Quota exceeded when processing/) })
    await refused('1', proxy, { code: 'METHOD_NOT_ALLOWED' })
    await refused('1', deleting, { code: 'DENIED' })
    await refused('1', stale, { code: 'PRECONDITION' })
    await refused('1', lost, { code: 'NOT_FOUND' })
    await refused('2', to, { code: 'NOT_FOUND' })
    await refused(signature.digest, to, {
      code: 'DENIED',
      message: "the operation isn't supported for an artifact accessory",
    })
    expect(await usedBy(small)).toBe(0)
  })

  it('is there whole or is not, while its source is deleted', async () => {
    const from = await judged.newRoom()
    for (let round = 0; round < 12; round++) {
      const to = judged.roomIn(from, `copy-${round}`)
      const image = someImage([500, 500])
      await from.client.pushImage(image, 'moving')
      const [copied, deleted] = await Promise.allSettled([
        copy(from, image.digest, to),
        judged.ask(artifactDelete, { ...from.asked, reference: image.digest }),
      ])
      expect(deleted.status).toBe('fulfilled')
      const found = await to.client.fetch('manifests/moving')
      if (copied.status === 'rejected') {
        expect(copied.reason).toMatchObject({ code: expect.stringMatching(/NOT_FOUND|MANIFEST_BLOB_UNKNOWN/) })
        continue
      }
      const tagged = copied.value.copied === 0 ? [404] : [200, 404]
      expect(tagged).toContain(found.status)
      if (copied.value.copied === 0) continue
      const { layers } = JSON.parse(image.manifest.toString()) as { layers: { digest: string }[] }
      for (const { digest } of layers) expect((await to.client.fetch(`blobs/${digest}`)).status).toBe(200)
    }
    const [{ used, counted } = { used: -1, counted: 0 }] = await judged.world.sql<{ used: number; counted: number }>(
      `SELECT p.used::int, (SELECT coalesce(sum(b.size), 0)::int FROM registry.project_blob pb
         JOIN registry.blob b ON b.id = pb.blob_id WHERE pb.project_id = p.id) AS counted
       FROM registry.project p WHERE p.id = $1`,
      [from.project.id],
    )
    expect(used).toBe(counted)
  })
})
