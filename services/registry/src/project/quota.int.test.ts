import type { Followed } from '@berth/messaging'
import { sha256, someBytes, someImage } from '@berth/testkit'
import { EventEnvelope, modePut, projectCount, quotaWarned } from '@berth/types'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { refusalOf } from '../testing/answers.ts'
import { newProject, type TestProject } from '../testing/test-projects.ts'
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

const usedOf = async (project: TestProject) =>
  (await world.bus.ask(projectCount, { ids: [project.now.id] })).counts[0]?.usedBytes
const EXCEEDED = [
  403,
  'DENIED',
  expect.stringMatching(
    /^Quota exceeded when processing the request of adding \d.* of storage resource, which when updated to current usage of \d.* will exceed the configured upper limit of \d.*\.$/,
  ),
]

describe('a project that is nearly full', () => {
  /** What was told of it, in order. */
  async function listen(project: TestProject): Promise<unknown[]> {
    const told: unknown[] = []
    world.bus.connection.subscribe(quotaWarned.subject, {
      callback: (_err, message: Pick<Followed, 'data'>) => {
        const { data } = EventEnvelope.parse(JSON.parse(new TextDecoder().decode(message.data)))
        if ((data as { projectId: number }).projectId === project.now.id) told.push(data)
      },
    })
    await world.bus.connection.flush()
    return told
  }

  it('is told of once, by the push that takes it over 85 %, and again after there was room', async () => {
    const project = await newProject(world)
    const app = project.client(one)
    const warnings = await listen(project)
    expect((await app.pushImage(someImage([10_000]), 'a')).status).toBe(201)
    const used = (await usedOf(project)) ?? 0
    await project.change({ quotaLimitBytes: used + 20_000 })
    expect((await app.pushImage(someImage([17_000]), 'b')).status).toBe(201)
    await expect.poll(() => warnings).toHaveLength(1)
    expect(warnings[0]).toEqual({
      projectId: project.now.id,
      project: project.now.name,
      usedBytes: await usedOf(project),
      limitBytes: used + 20_000,
    })
    expect((await app.pushImage(someImage([1_000]), 'c')).status).toBe(201)
    await project.change({ quotaLimitBytes: 1_000_000 })
    await project.change({ quotaLimitBytes: 30_000 })
    await expect.poll(() => warnings).toHaveLength(2)
    expect(warnings[1]).toMatchObject({ limitBytes: 30_000 })
  })
})

describe('a quota', () => {
  it('refuses early what cannot fit, and stores nothing of it', async () => {
    const project = await newProject(world, { quotaLimitBytes: 10_000 })
    const app = project.client(one)
    const before = await world.sql('SELECT id FROM registry.upload')
    expect(await refusalOf(await app.postBlob(someBytes(10_001)))).toEqual(EXCEEDED)
    expect(await world.sql('SELECT id FROM registry.upload')).toEqual(before)
    expect((await app.postBlob(someBytes(10_000))).status).toBe(201)

    const location = await app.startUpload()
    expect(await refusalOf(await app.patch(location, someBytes(10_001)))).toEqual(EXCEEDED)
    const part = someBytes(6_000)
    expect((await app.patch(location, part)).status).toBe(202)
    const rest = someBytes(6_000)
    const whole = sha256(Buffer.concat([part, rest]))
    expect(await refusalOf(await app.put(location, whole, rest))).toEqual(EXCEEDED)
    // Not held by anybody after that: it can go on, or end.
    const short = someBytes(100)
    expect((await app.put(location, sha256(Buffer.concat([part, short])), short)).status).toBe(201)
  })

  it('counts no blob twice: what counts in the project already is taken, uploaded or mounted', async () => {
    const project = await newProject(world)
    const image = someImage([20_000])
    const layer = image.layers[0] as Buffer
    expect((await project.client(one, 'a').pushImage(image, '1')).status).toBe(201)
    const used = await usedOf(project)
    await project.change({ quotaLimitBytes: used ?? 0 })
    const b = project.client(two, 'b')
    expect((await b.postBlob(layer)).status).toBe(201)
    const location = await b.startUpload()
    expect((await b.patch(location, layer)).status).toBe(202)
    expect((await b.put(location, sha256(layer))).status).toBe(201)
    const mounted = await mount(project, 'c', project, 'a', sha256(layer))
    expect(mounted.status).toBe(201)
    expect((await project.client(one, 'c').pushImage(image, '1')).status).toBe(201)
    expect(await usedOf(project)).toBe(used)
    expect(await refusalOf(await b.postBlob(someBytes(1)))).toEqual(EXCEEDED)
  })

  it('refuses a mount that does not fit, and tells nothing of a blob that may not be seen', async () => {
    const source = await newProject(world)
    const blob = someBytes(5_000)
    await source.client(one, 'a').postBlob(blob)
    const target = await newProject(world, { quotaLimitBytes: 4_000 })
    await target.client(one, 'b').startUpload()
    expect(await refusalOf(await mount(target, 'b', source, 'a', sha256(blob)))).toEqual(EXCEEDED)
    expect((await mount(target, 'b', source, 'a', sha256(blob), [])).status).toBe(202)
    expect((await target.client(one, 'b').fetch(`blobs/${sha256(blob)}`)).status).toBe(404)
    await target.change({ quotaLimitBytes: 6_000 })
    expect((await mount(target, 'b', source, 'a', sha256(blob))).status).toBe(201)
  })

  it('lowered under what is used refuses the next push on every replica, and no pull', async () => {
    const project = await newProject(world, { quotaLimitBytes: 100_000 })
    const image = someImage([10_000])
    expect((await project.client(one).pushImage(image, '1')).status).toBe(201)
    await project.change({ quotaLimitBytes: 5_000 })
    for (const replica of [one, two]) {
      const app = project.client(replica)
      expect(await refusalOf(await app.fetch('blobs/uploads/', { method: 'POST' }))).toEqual(EXCEEDED)
      expect(await refusalOf(await app.postBlob(someBytes(1)))).toEqual(EXCEEDED)
      expect((await app.fetch('manifests/1')).status).toBe(200)
      // It adds nothing.
      expect((await app.putManifest('2', image.manifest)).status).toBe(201)
      expect((await app.fetch('manifests/2', { method: 'DELETE' })).status).toBe(202)
    }
  })

  it('leaves out layers that are somewhere else', async () => {
    const project = await newProject(world, { quotaLimitBytes: 5_000 })
    const image = someImage([1_000])
    const document = JSON.parse(image.manifest.toString()) as { layers: object[] }
    const foreign = {
      mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
      digest: sha256('far away'),
      size: 50_000_000,
      urls: ['https://example.com/layer'],
    }
    document.layers.push(foreign)
    const manifest = Buffer.from(JSON.stringify(document))
    expect((await project.client(one).pushImage({ ...image, manifest, digest: sha256(manifest) }, '1')).status).toBe(
      201,
    )
    expect(await usedOf(project)).toBe(1_000 + image.config.length)
  })

  it('is never overshot by any number of pushes to both replicas at once', async () => {
    const images = Array.from({ length: 24 }, () => someImage([5_000]))
    const size = 5_000 + (images[0]?.config.length ?? 0)
    const project = await newProject(world, { quotaLimitBytes: size * 7 + 1 })
    // The blobs first, while there is room for any of them: what counts is the last step.
    const client = (i: number) => project.client(i % 2 === 0 ? one : two, `r${i % 5}`)
    await Promise.all(
      images.flatMap((image, i) => [image.config, ...image.layers].map((blob) => client(i).postBlob(blob))),
    )
    const answers = await Promise.all(images.map((image, i) => client(i).putManifest(`${i}`, image.manifest)))
    const statuses = answers.map(({ status }) => status)
    expect(statuses.filter((status) => status === 201)).toHaveLength(7)
    expect(statuses.filter((status) => status === 403)).toHaveLength(17)
    expect(await usedOf(project)).toBe(size * 7)
    const [row] = await world.sql<{ sum: string }>(
      `SELECT sum(b.size) FROM registry.project_blob pb JOIN registry.blob b ON b.id = pb.blob_id
       WHERE pb.project_id = $1`,
      [project.now.id],
    )
    expect(Number(row?.sum)).toBe(size * 7)
  })
})

describe('quotas that are not enforced', () => {
  it('let every project grow, on every replica, and hold again once they are', async () => {
    const project = await newProject(world)
    const app = project.client(one)
    const [image, more] = [someImage([10_000]), someImage([20_000])]
    await project.change({ quotaLimitBytes: 1_000 })
    expect(await refusalOf(await app.postBlob(image.layers[0] ?? Buffer.alloc(0)))).toEqual(EXCEEDED)
    const put = (revision: number, enforceQuotas?: boolean) =>
      world.bus.ask(modePut, { readOnly: false, recordPulls: true, enforceQuotas, revision })
    await put(1, false)
    expect((await app.pushImage(image, '1')).status).toBe(201)
    expect((await project.client(two).pushImage(more, '2')).status).toBe(201)
    expect(await usedOf(project)).toBeGreaterThan(30_000)
    await put(2)
    expect(await refusalOf(await app.postBlob(someBytes(10)))).toEqual(EXCEEDED)
  })
})

/** Mounts a blob of another repository; `seen` is what the caller may do there. */
async function mount(
  target: TestProject,
  repository: string,
  source: TestProject,
  from: string,
  digest: string,
  seen: string[] = ['pull'],
): Promise<Response> {
  const entry = ({ now }: TestProject, name: string, actions: string[]) => ({
    type: 'repository',
    name: `${now.name}/${name}`,
    actions,
    project: now.id,
    rev: now.accessRevision,
  })
  const access = [entry(target, repository, ['pull', 'push']), entry(source, from, seen)]
  const path = `${target.now.name}/${repository}/blobs/uploads/?mount=${digest}&from=${source.now.name}/${from}`
  return fetch(`${one.url}/v2/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${world.token({ access })}` },
  })
}
