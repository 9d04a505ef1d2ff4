import { randomUUID } from 'node:crypto'
import { sha256, someImage } from '@berth/testkit'
import {
  healthCheck,
  projectClose,
  projectCount,
  projectDeleted,
  projectPut,
  projectUpdated,
  type RegistryProject,
  repositoryList,
  tagList,
} from '@berth/types'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { codeOf, RegistryClient } from '../testing/registry-client.ts'
import { accessTo } from '../testing/test-tokens.ts'
import { openWorld, type Replica, testProject, type World } from '../testing/test-world.ts'

let world: World
let replica: Replica
let lastId = 100

beforeAll(async () => {
  world = await openWorld()
  replica = await world.startReplica()
})
afterAll(() => world?.stop())

/** A project of its own, put by an ask. */
async function newProject(over: Partial<RegistryProject> = {}): Promise<RegistryProject> {
  const id = ++lastId
  const project = testProject({ id, name: `project-${id}`, ...over })
  await world.bus.ask(projectPut, { project })
  return project
}

const put = (project: RegistryProject) => world.bus.ask(projectPut, { project })
const clientOf = ({ id, name, accessRevision }: RegistryProject, repository = 'app') =>
  new RegistryClient(
    replica.url,
    `${name}/${repository}`,
    `Bearer ${world.tokenFor(`${name}/${repository}`, undefined, { project: id, rev: accessRevision })}`,
  )
const usedOf = async (id: number) => (await world.bus.ask(projectCount, { ids: [id] })).counts[0]

async function tell(subject: string, project: RegistryProject): Promise<void> {
  const event = { id: randomUUID(), type: subject, occurredAt: new Date().toISOString(), revision: project.revision }
  await world.bus.jetstream.publish(subject, JSON.stringify({ ...event, data: { project } }))
}

describe('a project that is deleted', () => {
  it('is not done with before a push that is under way has ended', async () => {
    const project = await newProject()
    const pusher = new pg.Client({ connectionString: world.databaseUrl })
    await pusher.connect()
    try {
      await pusher.query('BEGIN')
      await pusher.query('SELECT id FROM registry.project WHERE id = $1 FOR KEY SHARE', [project.id])
      await pusher.query('INSERT INTO registry.repository (project_id, name, listed) VALUES ($1, $2, true)', [
        project.id,
        `${project.name}/late`,
      ])
      await put({ ...project, state: 'deleted', revision: 2 })
      await world.sweep()
      await pusher.query('COMMIT')
    } finally {
      await pusher.end()
    }
    await world.sweep()
    expect(await world.sql('SELECT id FROM registry.repository WHERE project_id = $1', [project.id])).toEqual([])
  })
})

describe('a project put by core', () => {
  it('is in force with the next request, and an older revision changes nothing', async () => {
    const project = await newProject({ revision: 5, accessRevision: 5 })
    expect(await put({ ...project, revision: 4, accessRevision: 9 })).toEqual({ revision: 5 })
    expect(await put(project)).toEqual({ revision: 5 })
    expect((await clientOf(project).pushImage(someImage(), '1')).status).toBe(201)
    expect(await put({ ...project, revision: 6, accessRevision: 6 })).toEqual({ revision: 6 })
    expect((await clientOf(project).fetch('manifests/1')).status).toBe(401)
    expect((await clientOf({ ...project, accessRevision: 6 }).fetch('manifests/1')).status).toBe(200)
  })

  it('inherits nothing from one that had its name', async () => {
    const old = await newProject()
    expect((await clientOf(old).pushImage(someImage(), '1')).status).toBe(201)
    const successor = { ...old, id: ++lastId, revision: 1 }
    await put(successor)
    expect((await clientOf(successor).fetch('manifests/1')).status).toBe(404)
    expect((await clientOf(old).fetch('manifests/1')).status).toBe(401)
    // A late word about the old one.
    await put({ ...old, revision: 50 })
    expect((await clientOf(successor).pushImage(someImage(), '2')).status).toBe(201)
    expect(await (await clientOf(successor).fetch('tags/list')).json()).toMatchObject({ tags: ['2'] })
  })

  it('takes no pushes when it is a proxy project or being deleted', async () => {
    const image = someImage()
    for (const over of [{ kind: 'proxy' as const }, { state: 'deleting' as const }]) {
      const client = clientOf(await newProject(over))
      const answered = await client.fetch('blobs/uploads/', { method: 'POST' })
      expect([answered.status, await codeOf(answered)]).toEqual([403, 'DENIED'])
      expect((await client.putManifest('1', image.manifest)).status).toBe(403)
    }
  })
})

describe('closing a project', () => {
  it('is refused while it holds a repository, and final otherwise', async () => {
    const project = await newProject()
    const client = clientOf(project)
    const close = (requireEmpty: boolean, revision = 2) =>
      world.bus.ask(projectClose, { id: project.id, requireEmpty, revision })
    const image = someImage()
    await client.postBlob(image.config)
    expect(await close(true)).toEqual({ closed: true })
    expect((await client.fetch('blobs/uploads/', { method: 'POST' })).status).toBe(404)
    await put({ ...project, revision: 3 })
    expect((await client.pushImage(image, '1')).status).toBe(201)
    await expect(close(true, 4)).rejects.toMatchObject({ code: 'PRECONDITION', message: /contains repositories/ })
    expect((await client.fetch('manifests/1')).status).toBe(200)
    await expect(close(false, 2)).rejects.toMatchObject({ code: 'PRECONDITION' })
    expect(await close(false, 4)).toEqual({ closed: true })
    expect((await client.fetch('manifests/1')).status).toBe(404)
  })

  it('keeps out a project the registry has yet to hear of', async () => {
    const project = testProject({ id: ++lastId, name: `project-${lastId}`, revision: 3 })
    await world.bus.ask(projectClose, { id: project.id, requireEmpty: true, revision: 4 })
    world.core.projects.set(project.name, project)
    expect((await clientOf(project).fetch('manifests/1')).status).toBe(404)
    await put({ ...project, revision: 5 })
    expect((await clientOf(project).pushImage(someImage(), '1')).status).toBe(201)
  })

  it('waits for pushes under way, and lets none in afterwards', async () => {
    const project = await newProject()
    const client = clientOf(project)
    const image = someImage()
    for (const blob of [image.config, ...image.layers]) await client.postBlob(blob)
    const pushes = Array.from({ length: 20 }, (_, i) => client.putManifest(`t${i}`, image.manifest))
    const closing = world.bus.ask(projectClose, { id: project.id, requireEmpty: false, revision: 2 })
    const statuses = (await Promise.all(pushes)).map(({ status }) => status)
    await closing
    const [row] = await world.sql<{ tags: number }>(
      `SELECT count(*)::int AS tags FROM registry.tag t JOIN registry.repository r ON r.id = t.repository_id
       WHERE r.project_id = $1`,
      [project.id],
    )
    expect(statuses.filter((status) => status === 201)).toHaveLength(row?.tags ?? -1)
    expect(new Set(statuses).difference(new Set([201, 404]))).toEqual(new Set())
  })
})

describe('events about projects', () => {
  it('put what no ask has brought', async () => {
    const project = await newProject()
    await tell(projectUpdated.subject, { ...project, revision: 2, accessRevision: 2 })
    await expect
      .poll(async () => (await clientOf({ ...project, accessRevision: 2 }).fetch('tags/list')).status)
      .toBe(404)
    await expect.poll(async () => (await clientOf(project).fetch('tags/list')).status).toBe(401)
  })

  it('purge a deleted project, whatever it held, and spare what others hold', async () => {
    const doomed = await newProject()
    const other = await newProject()
    const image = someImage([1000, 2000])
    const index = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: 'application/vnd.oci.image.index.v1+json',
        manifests: [
          {
            mediaType: 'application/vnd.oci.image.manifest.v1+json',
            digest: image.digest,
            size: image.manifest.length,
          },
        ],
      }),
    )
    for (const project of [doomed, other]) {
      const client = clientOf(project)
      expect((await client.pushImage(image, '1')).status).toBe(201)
      expect((await client.putManifest('i', index, 'application/vnd.oci.image.index.v1+json')).status).toBe(201)
      await client.startUpload()
    }
    await tell(projectDeleted.subject, { ...doomed, state: 'deleted', revision: 2 })
    const rows = async () => {
      const [row] = await world.sql<{ left: number }>(
        `SELECT (SELECT count(*) FROM registry.repository WHERE project_id = $1)
           + (SELECT count(*) FROM registry.project_blob WHERE project_id = $1)
           + (SELECT count(*) FROM registry.manifest_blob WHERE project_id = $1)
           + (SELECT count(*) FROM registry.project WHERE id = $1 AND purged_at IS NULL) AS left`,
        [doomed.id],
      )
      return Number(row?.left)
    }
    await expect.poll(rows, { timeout: 10_000 }).toBe(0)
    expect((await clientOf(doomed).fetch('manifests/1')).status).toBe(404)
    const spared = clientOf(other)
    expect((await spared.fetch('manifests/i')).status).toBe(200)
    for (const blob of image.layers) expect((await spared.fetch(`blobs/${sha256(blob)}`)).status).toBe(200)
    // A late word does not bring it back.
    await put({ ...doomed, revision: 9 })
    expect((await clientOf(doomed).fetch('manifests/1')).status).toBe(404)
  })

  it('are passed over when they cannot be read', async () => {
    await world.bus.jetstream.publish(projectUpdated.subject, 'not json')
    await world.bus.jetstream.publish('event.project.renamed', '{}')
    const project = await newProject()
    await tell(projectUpdated.subject, { ...project, revision: 2, accessRevision: 2 })
    await expect.poll(async () => (await clientOf(project).fetch('tags/list')).status).toBe(401)
  })
})

describe('usage', () => {
  it('is the sum of the distinct blobs its manifests name', async () => {
    const project = await newProject()
    const [a, b] = [clientOf(project, 'a'), clientOf(project, 'b')]
    const image = someImage([1000, 1000, 500])
    const own = image.config.length + 2500
    expect(await usedOf(project.id)).toEqual({ id: project.id, repositories: 0, usedBytes: 0 })
    await a.pushImage(image, '1')
    await a.pushImage(image, '2')
    expect(await usedOf(project.id)).toEqual({ id: project.id, repositories: 1, usedBytes: own })
    await b.pushImage(image, '1')
    expect(await usedOf(project.id)).toMatchObject({ repositories: 2, usedBytes: own })
    await a.fetch(`manifests/${image.digest}`, { method: 'DELETE' })
    expect(await usedOf(project.id)).toMatchObject({ usedBytes: own })
    await b.fetch(`manifests/${image.digest}`, { method: 'DELETE' })
    expect(await usedOf(project.id)).toMatchObject({ usedBytes: 0 })
    expect((await world.bus.ask(projectCount, { ids: [999_999] })).counts).toEqual([
      { id: 999_999, repositories: 0, usedBytes: 0 },
    ])
  })

  it('never goes over the quota, however many push at once', async () => {
    const images = Array.from({ length: 12 }, () => someImage([10_000]))
    const size = 10_000 + (images[0]?.config.length ?? 0)
    const project = await newProject({ quotaLimitBytes: size * 5 + 100 })
    const statuses = await Promise.all(
      images.map(async (image, i) => {
        const answered = await clientOf(project, `r${i % 3}`).pushImage(image, `${i}`)
        if (answered.status === 403) expect(await answered.text()).toMatch(/Quota exceeded when processing/)
        return answered.status
      }),
    )
    expect(statuses.filter((status) => status === 201)).toHaveLength(5)
    expect(statuses.filter((status) => status === 403)).toHaveLength(7)
    expect((await usedOf(project.id))?.usedBytes).toBe(size * 5)
  })
})

describe('lists on behalf of a person', () => {
  it('show repositories and tags in pages, by byte order', async () => {
    const project = await newProject()
    const image = someImage()
    for (const name of ['b', 'a-b', 'a', 'a/c']) {
      for (const tag of ['2', '10', 'B', 'a']) await clientOf(project, name).pushImage(image, tag)
    }
    await clientOf(project, 'blobs-only').postBlob(image.config)
    const token = world.token({ access: [accessTo(`${project.name}/a`, ['pull'], { project: project.id })] })
    const names = (list: string[]) => list.map((name) => ({ name: `${project.name}/${name}` }))
    const repositories = (more = {}) =>
      world.bus.ask(repositoryList, { project: project.name, limit: 3, ...more }, { token })
    const first = await repositories()
    expect(first).toEqual({ repositories: names(['a', 'a-b', 'a/c']), next: `${project.name}/a/c` })
    expect(await repositories({ last: first.next })).toEqual({ repositories: names(['b']) })

    const tags = await world.bus.ask(tagList, { repository: `${project.name}/a`, limit: 3 }, { token })
    expect(tags.tags.map((tag) => tag.name)).toEqual(['10', '2', 'B'])
    expect(tags.next).toBe('B')
    expect(tags.tags[0]).toMatchObject({ digest: image.digest, sizeBytes: image.manifest.length })
  })

  it('are not there for who may not see them', async () => {
    const project = await newProject()
    await clientOf(project, 'a').pushImage(someImage(), '1')
    const ask = (token?: string) => world.bus.ask(tagList, { repository: `${project.name}/a`, limit: 10 }, { token })
    const of = (name: string, more = {}) => accessTo(name, ['pull'], { project: project.id, ...more })
    await expect(ask()).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    await expect(ask('x')).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    for (const access of [[], [of(`${project.name}/b`)], [of(`${project.name}/a`, { rev: 0 })]]) {
      await expect(ask(world.token({ access }))).rejects.toMatchObject({ code: 'NOT_FOUND' })
    }
    expect((await ask(world.token({ access: [of(`${project.name}/a`)] }))).tags).toHaveLength(1)
    expect((await ask(world.token({ admin: true }))).tags).toHaveLength(1)
    const listing = world.bus.ask(
      repositoryList,
      { project: project.name, limit: 1 },
      { token: world.token({ access: [accessTo('library/a', ['pull'])] }) },
    )
    await expect(listing).rejects.toMatchObject({ code: 'NOT_FOUND' })
    const token = world.token({ admin: true })
    const strange = world.bus.ask(repositoryList, { project: 'a\0b', limit: 1 }, { token })
    await expect(strange).rejects.toMatchObject({ code: 'NOT_FOUND' })
    const after = world.bus.ask(repositoryList, { project: project.name, limit: 1, last: '\0' }, { token })
    await expect(after).rejects.toMatchObject({ code: 'BAD_REQUEST' })
  })
})

describe('health', () => {
  it('names the registry and its storage', async () => {
    expect(await world.bus.ask(healthCheck.registry, {})).toEqual({
      components: [
        { name: 'registry', status: 'healthy' },
        { name: 'storage', status: 'healthy' },
      ],
    })
  })
})
