import { INDEX_TYPE, indexOf, MANIFEST_TYPE, sha256, someImage } from '@berth/testkit'
import {
  accessoryList,
  artifactAddition,
  artifactCount,
  artifactDelete,
  artifactGet,
  artifactList,
  artifactSearch,
  tagCreate,
} from '@berth/types'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type JudgedRoom, type JudgedWorld, keeps, openJudgedWorld } from '../testing/judged-world.ts'
import { accessTo } from '../testing/test-tokens.ts'

let judged: JudgedWorld
beforeAll(async () => {
  judged = await openJudgedWorld()
})
afterAll(() => judged?.world.stop())

const signatureOf = (image: { digest: string; manifest: Buffer }, mediaType = MANIFEST_TYPE) =>
  someImage([10], { subject: { mediaType, digest: image.digest, size: image.manifest.length } })

async function pushIndex(room: JudgedRoom, tag: string) {
  const images = [someImage([100]), someImage([200])]
  for (const image of images) expect((await room.client.pushImage(image)).status).toBe(201)
  const index = indexOf(images)
  expect((await room.client.putManifest(tag, index.manifest, INDEX_TYPE)).status).toBe(201)
  return { images, index }
}

describe('artifacts core asks about', () => {
  it('are listed without what an index names and without signatures, unless asked for', async () => {
    const room = await judged.newRoom()
    const { images, index } = await pushIndex(room, 'multi')
    const signature = signatureOf(index, INDEX_TYPE)
    await room.client.pushImage(signature)
    const plain = someImage([50])
    await room.client.pushImage(plain, 'plain')
    const digests = async (q?: string) =>
      (await judged.ask(artifactSearch, { ...room.asked, q })).artifacts.map(({ digest }) => digest)
    expect(await digests()).toEqual([plain.digest, index.digest])
    expect(await digests('base=*')).toEqual([plain, signature, index, ...images.toReversed()].map((one) => one.digest))
    // A child that gets a tag of its own is listed, in the same moment.
    await judged.ask(tagCreate, { ...room.asked, reference: images[0]?.digest, tag: 'amd64' })
    expect(await digests()).toContain(images[0]?.digest)
    expect(await judged.ask(artifactCount, room.asked)).toEqual({ total: 3 })
    expect(await judged.ask(artifactCount, { project: room.asked.project, q: 'tags=nil,base=*' })).toEqual({ total: 2 })
  })

  it('are got by tag and digest with all that belongs to them', async () => {
    const room = await judged.newRoom({ policy: keeps('multi') })
    const { images, index } = await pushIndex(room, 'multi')
    const signature = signatureOf(index, INDEX_TYPE)
    await room.client.pushImage(signature)
    const { artifact } = await judged.ask(artifactGet, { ...room.asked, reference: 'multi' })
    expect(artifact).toMatchObject({
      repository: room.repository,
      projectId: room.project.id,
      digest: index.digest,
      mediaType: INDEX_TYPE,
      manifestBytes: index.manifest.length,
      tags: [{ name: 'multi', immutable: true, digest: index.digest }],
      references: images.map((image) => ({ childDigest: image.digest })),
      accessories: [{ digest: signature.digest, subjectDigest: index.digest }],
      accessoryCount: 1,
      referenceCount: 2,
    })
    expect(artifact.accessories[0]?.type).toMatch(/^subject\.accessory|signature\./)
    expect((await judged.ask(artifactGet, { ...room.asked, reference: index.digest })).artifact).toEqual(artifact)
    const image = await judged.ask(artifactGet, { ...room.asked, reference: images[0]?.digest })
    expect(image.artifact).toMatchObject({ kind: 'IMAGE', additions: ['build_history'] })
    expect(artifact.additions).toEqual([])
    expect(image.artifact.inheritedAccessories).toMatchObject([{ digest: signature.digest, subjectId: artifact.id }])
    const addition = (name: string) =>
      judged.ask(artifactAddition, { ...room.asked, reference: images[0]?.digest, addition: name })
    await expect(addition('values.yaml')).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    const list = await judged.ask(accessoryList, { ...room.asked, reference: 'multi', q: 'type=~s' })
    expect(list).toMatchObject({ total: 1, accessories: [{ subjectId: artifact.id, artifactId: expect.any(Number) }] })
    for (const reference of ['none', `sha256:${'0'.repeat(64)}`, 'not a reference', '\0']) {
      await expect(judged.ask(artifactGet, { ...room.asked, reference })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    }
  })

  it('have additions, read out of their content', async () => {
    const room = await judged.newRoom()
    const history = [{ created: '2026-01-01T00:00:00Z', created_by: 'COPY . /' }]
    const config = Buffer.from(JSON.stringify({ architecture: 'arm64', os: 'linux', history }))
    const described = {
      mediaType: 'application/vnd.oci.image.config.v1+json',
      digest: sha256(config),
      size: config.length,
    }
    const image = someImage([1], { config: described })
    await room.client.postBlob(config)
    expect((await room.client.pushImage(image, 't')).status).toBe(201)
    const { contentType, content } = await judged.ask(artifactAddition, {
      ...room.asked,
      reference: 't',
      addition: 'build_history',
    })
    expect([contentType, JSON.parse(Buffer.from(content, 'base64').toString())]).toEqual([
      'application/json; charset=utf-8',
      history,
    ])
    const attributes = async () =>
      (await judged.ask(artifactGet, { ...room.asked, reference: 't' })).artifact.extraAttrs
    await expect.poll(attributes, { timeout: 30_000, interval: 300 }).toMatchObject({ architecture: 'arm64' })
  })

  it('are deleted by tag or digest, with their tags and signatures, unless something keeps them', async () => {
    const room = await judged.newRoom({ policy: keeps('v*') })
    const { images, index } = await pushIndex(room, 'multi')
    await room.client.pushImage(signatureOf(index, INDEX_TYPE))
    const remove = (reference: string | undefined) => judged.ask(artifactDelete, { ...room.asked, reference })
    await expect(remove(images[0]?.digest)).rejects.toMatchObject({
      code: 'VIOLATE_FOREIGN_KEY_CONSTRAINT',
      message: 'the deleting artifact is referenced by others',
    })
    expect(await remove('multi')).toEqual({ digest: index.digest })
    await expect(remove('multi')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    const { artifacts, total } = await judged.ask(artifactSearch, room.asked)
    expect([total, artifacts.map(({ digest }) => digest)]).toEqual([2, images.map(({ digest }) => digest).reverse()])
    await room.client.pushImage(someImage([1]), 'v1')
    await expect(remove('v1')).rejects.toMatchObject({
      code: 'PRECONDITION',
      message: expect.stringContaining('configured as immutable, cannot be deleted'),
    })
  })

  it('fit into one message, however much is said of them', async () => {
    const room = await judged.newRoom()
    const images = Array.from({ length: 8 }, () => someImage([1], { annotations: { text: 'x'.repeat(500_000) } }))
    for (const [n, image] of images.entries()) await room.client.pushImage(image, `t${n}`)
    const without = () => judged.world.sql('SELECT id FROM registry.manifest WHERE facts_at IS NULL')
    await expect.poll(without, { timeout: 20_000 }).toEqual([])
    await judged.world.sql(
      `UPDATE registry.manifest SET extra_attrs = json_build_object('text', repeat('y', 30000))
       WHERE repository_id = (SELECT id FROM registry.repository WHERE name = $1)`,
      [room.repository],
    )
    await judged.world.sql(
      `INSERT INTO registry.tag (repository_id, name, manifest_id, revision)
       SELECT m.repository_id, 'm' || m.id || '-' || n || repeat('z', 100), m.id, 1
       FROM registry.manifest m, generate_series(1, 600) n
       WHERE m.repository_id = (SELECT id FROM registry.repository WHERE name = $1)`,
      [room.repository],
    )
    const { artifacts } = await judged.ask(artifactSearch, { ...room.asked, pageSize: 100 })
    expect(artifacts.map(({ tagCount, annotations, isTrimmed }) => ({ tagCount, annotations, isTrimmed }))).toEqual(
      images.map(() => ({ tagCount: 601, annotations: null, isTrimmed: true })),
    )
    const { artifact } = await judged.ask(artifactGet, { ...room.asked, reference: 't0' })
    expect(artifact.extraAttrs).toEqual({ text: 'y'.repeat(30_000) })
    expect(artifact.tags).toHaveLength(601)
  })

  it('are listed for a person as before', async () => {
    const room = await judged.newRoom()
    await room.client.pushImage(someImage([1]), 't')
    const { id, accessRevision } = room.project
    const access = [accessTo(room.repository, ['pull'], { project: id, rev: accessRevision })]
    const token = judged.world.token({ access })
    const list = await judged.world.bus.ask(artifactList, { repository: room.repository, limit: 10 }, { token })
    expect(list.artifacts).toMatchObject([{ tags: ['t'], tagCount: 1 }])
  })

  it('are seen by every replica in the moment they are changed', async () => {
    const room = await judged.newRoom()
    const second = await judged.world.startReplica()
    for (let n = 0; n < 6; n++) {
      await room.client.pushImage(someImage([1]), `t${n}`)
      // Whichever of the two answers.
      const counts = await Promise.all([1, 2, 3, 4].map(() => judged.ask(artifactCount, room.asked)))
      expect(counts).toEqual(Array.from({ length: 4 }, () => ({ total: n + 1 })))
    }
    await second.stop()
  })
})
