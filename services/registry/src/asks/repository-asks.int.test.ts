import { INDEX_TYPE, indexOf, someImage } from '@berth/testkit'
import {
  modePut,
  projectCount,
  projectTally,
  projectUsage,
  repositoryDelete,
  repositoryGet,
  repositorySearch,
  repositoryUpdate,
  statisticsCount,
} from '@berth/types'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type JudgedWorld, keeps, openJudgedWorld } from '../testing/judged-world.ts'

let judged: JudgedWorld
beforeAll(async () => {
  judged = await openJudgedWorld()
})
afterAll(() => judged?.world.stop())

describe('repositories core asks about', () => {
  it('are found by name, sorted, in pages, across the projects somebody may see', async () => {
    const open = await judged.newRoom({ public: true }, 'a')
    const closed = await judged.newRoom({ public: false }, 'nginx')
    const other = judged.roomIn(closed, 'deep/nginx_proxy')
    for (const [room, tags] of [
      [open, 1],
      [closed, 3],
      [other, 2],
    ] as const) {
      for (let n = 0; n < tags; n++) expect((await room.client.pushImage(someImage([10]), `t${n}`)).status).toBe(201)
    }
    const ids = [open.project.id, closed.project.id]
    const find = async (over: object) => {
      const { repositories, total } = await judged.ask(repositorySearch, { projects: { kind: 'some', ids }, ...over })
      return { names: repositories.map(({ name }) => name), total, repositories }
    }
    const all = [other, closed, open].map(({ repository }) => repository)
    expect(await find({})).toMatchObject({ names: all, total: 3 })
    expect((await find({ sort: 'name' })).names).toEqual(all.toSorted())
    expect((await find({ sort: '-artifact_count' })).names).toEqual([closed, other, open].map((one) => one.repository))
    expect((await find({ sort: 'artifact_count', page: 2, pageSize: 2 })).names).toEqual([closed.repository])
    expect((await find({ sort: '-update_time' })).names).toEqual(all)
    expect((await find({ q: 'name=~NGINX' })).names).toEqual([other, closed].map((one) => one.repository))
    expect((await find({ q: 'name=~nginx_' })).names).toEqual([other.repository])
    expect((await find({ q: `name=${closed.repository}` })).names).toEqual([closed.repository])
    expect((await find({ q: 'artifact_count=[2~2]' })).names).toEqual([other.repository])
    expect((await find({ projects: { kind: 'some', ids: [] } })).total).toBe(0)
    const visible = await find({ projects: { kind: 'some', ids: [], publicToo: true }, pageSize: 100 })
    expect(visible.names).toContain(open.repository)
    expect(visible.names).not.toContain(closed.repository)
    expect((await find({ projects: { kind: 'all' }, pageSize: 100 })).names).toEqual(expect.arrayContaining(all))
    expect((await find({ q: `name=${closed.repository}` })).repositories).toEqual([
      {
        id: expect.any(Number),
        projectId: closed.project.id,
        project: closed.project.name,
        isPublic: false,
        name: closed.repository,
        description: '',
        isTrimmed: false,
        artifactCount: 3,
        pullCount: 0,
        createdAt: expect.any(String),
        updatedAt: expect.any(String),
      },
    ])
  })

  it('are walked by name without leaving one out', async () => {
    const room = await judged.newRoom()
    for (const name of ['b', 'a', 'c', 'a/b']) await judged.roomIn(room, name).client.pushImage(someImage([1]), 't')
    const names: string[] = []
    for (let after: string | undefined = ''; after !== undefined; ) {
      const page: { repositories: { name: string }[]; total: number; next?: string } = await judged.ask(
        repositorySearch,
        {
          projects: { kind: 'some', ids: [room.project.id] },
          pageSize: 3,
          after,
        },
      )
      expect(page.total).toBe(4)
      names.push(...page.repositories.map(({ name }) => name))
      after = page.next
    }
    expect(names).toEqual(['a', 'a/b', 'b', 'c'].map((name) => `${room.project.name}/${name}`))
  })

  it('carry a description', async () => {
    const room = await judged.newRoom()
    await room.client.pushImage(someImage([1]), 't')
    const changed = await judged.ask(repositoryUpdate, { ...room.asked, description: '# Read me' })
    expect(changed.repository).toMatchObject({ name: room.repository, description: '# Read me', artifactCount: 1 })
    expect(await judged.ask(repositoryGet, room.asked)).toEqual(changed)
    expect(changed.repository.updatedAt > changed.repository.createdAt).toBe(true)
  })

  it('fit into one message, however long their descriptions are', async () => {
    const room = await judged.newRoom()
    await judged.world.sql(
      `INSERT INTO registry.repository (project_id, name, listed, description)
       SELECT $1, $2 || '/r' || n, true, repeat('é', 60000) FROM generate_series(1, 100) n`,
      [room.project.id, room.project.name],
    )
    const projects = { kind: 'some', ids: [room.project.id] }
    const { repositories } = await judged.ask(repositorySearch, { projects, pageSize: 100 })
    expect(repositories).toHaveLength(100)
    expect(repositories[0]).toMatchObject({ isTrimmed: true, description: 'é'.repeat(2_000) })
    const asked = { ...room.asked, repository: `${room.project.name}/r1` }
    const { repository } = await judged.ask(repositoryGet, asked)
    expect([repository.isTrimmed, repository.description.length]).toEqual([false, 60_000])
  })

  it('are there only for who was judged by what holds now', async () => {
    const room = await judged.newRoom({ accessRevision: 5 })
    await room.client.pushImage(someImage([1]), 't')
    const refused = (over: object, code: string) =>
      expect(judged.ask(repositoryGet, { ...room.asked, ...over })).rejects.toMatchObject({ code })
    await refused({ project: { id: room.project.id, accessRevision: 4 } }, 'PRECONDITION')
    await refused({ project: { id: 99_999, accessRevision: 5 } }, 'NOT_FOUND')
    await refused({ repository: `${room.project.name}/none` }, 'NOT_FOUND')
    await refused({ repository: 'library/app' }, 'NOT_FOUND')
    await refused({ repository: 'a/\0' }, 'NOT_FOUND')
  })

  it('are counted, and what they use', async () => {
    const [open, closed] = [await judged.newRoom({ public: true }), await judged.newRoom({ public: false })]
    const before = await judged.ask(statisticsCount, { projects: { kind: 'some', ids: [closed.project.id] } })
    await open.client.pushImage(someImage([5_000]), 't')
    await closed.client.pushImage(someImage([7_000]), 't')
    const after = await judged.ask(statisticsCount, { projects: { kind: 'some', ids: [closed.project.id] } })
    expect(after.publicRepositories).toBe(before.publicRepositories + 1)
    expect([before.privateRepositories, after.privateRepositories]).toEqual([0, 1])
    expect(after.storedBytes - before.storedBytes).toBeGreaterThan(12_000)
    const ids = [open.project.id, closed.project.id]
    const { projects, total } = await judged.ask(projectUsage, { ids, sort: '-used' })
    expect(projects.map(({ id }) => id)).toEqual([closed.project.id, open.project.id])
    expect([total, projects[0]?.limitBytes]).toEqual([2, -1])
    expect((await judged.ask(projectUsage, { ids, page: 2, pageSize: 1 })).projects).toHaveLength(1)
  })

  it('are tallied: repositories, artifacts by kind, bytes and pulls of each project', async () => {
    const room = await judged.newRoom({}, 'one')
    const second = judged.roomIn(room, 'two')
    const empty = await judged.newRoom({}, 'none')
    const images = [someImage([300]), someImage([400])]
    for (const [n, image] of images.entries()) await room.client.pushImage(image, `t${n}`)
    await second.client.pushImage(images[0] ?? someImage(), 'same')
    await judged.world.sql('UPDATE registry.repository SET pull_count = 7 WHERE name = $1', [room.repository])
    await judged.world.sql('UPDATE registry.repository SET pull_count = 4 WHERE name = $1', [second.repository])
    const { projects } = await judged.ask(projectTally, { ids: [room.project.id, empty.project.id, 999_999] })
    const held = projects.find(({ id }) => id === room.project.id)
    expect(held).toMatchObject({ repositories: 2, pulls: 11, artifacts: [{ kind: 'IMAGE', count: 3 }] })
    expect(held?.usedBytes).toBeGreaterThan(700)
    expect(projects.filter(({ id }) => id !== room.project.id)).toEqual([
      { id: empty.project.id, repositories: 0, usedBytes: 0, pulls: 0, artifacts: [] },
    ])
  })
})

describe('a repository that is deleted', () => {
  it('takes along indexes, what they name, signatures and tags, and is empty when it comes again', async () => {
    const room = await judged.newRoom()
    const images = [someImage([100]), someImage([100])]
    for (const image of images) await room.client.pushImage(image)
    const index = indexOf(images)
    expect((await room.client.putManifest('multi', index.manifest, INDEX_TYPE)).status).toBe(201)
    const signature = someImage([10], {
      subject: { mediaType: INDEX_TYPE, digest: index.digest, size: index.manifest.length },
    })
    await room.client.pushImage(signature)
    await judged.ask(repositoryUpdate, { ...room.asked, description: 'old' })
    expect(await judged.ask(repositoryDelete, { ...room.asked, actor: 'alice' })).toEqual({
      deletedArtifacts: 4,
      done: true,
    })
    await expect(judged.ask(repositoryGet, room.asked)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(judged.ask(repositoryDelete, room.asked)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect((await room.client.fetch('tags/list')).status).toBe(404)
    const { counts } = await judged.ask(projectCount, { ids: [room.project.id] })
    expect(counts).toEqual([{ id: room.project.id, repositories: 0, usedBytes: 0 }])
    expect((await room.client.pushImage(someImage([1]), 'new')).status).toBe(201)
    const { repository } = await judged.ask(repositoryGet, room.asked)
    expect(repository).toMatchObject({ description: '', artifactCount: 1 })
  })

  it('stays as it is while one tag is immutable, or nothing may be changed', async () => {
    const room = await judged.newRoom({ policy: keeps('v*') })
    await room.client.pushImage(someImage([1]), 'v1')
    await room.client.pushImage(someImage([1]), 'other')
    await expect(judged.ask(repositoryDelete, room.asked)).rejects.toMatchObject({
      code: 'PRECONDITION',
      message: 'the tag v1 configured as immutable, cannot be deleted',
    })
    expect((await judged.ask(repositoryGet, room.asked)).repository.artifactCount).toBe(2)
    await judged.ask(modePut, { readOnly: true, recordPulls: true, revision: 1 })
    await expect(judged.ask(repositoryUpdate, { ...room.asked, description: 'x' })).rejects.toMatchObject({
      code: 'DENIED',
    })
    await judged.ask(modePut, { readOnly: false, recordPulls: true, revision: 2 })
  })

  it('loses no push that was answered after it', async () => {
    const room = await judged.newRoom()
    const images = Array.from({ length: 30 }, () => someImage([10]))
    for (const image of images) await room.client.postBlob(image.config)
    for (const image of images) for (const layer of image.layers) await room.client.postBlob(layer)
    let isOver = false
    const pushing = (async () => {
      for (const [n, image] of images.entries()) {
        const before = isOver
        const { status } = await room.client.putManifest(`t${n}`, image.manifest)
        if (before) return { n, status }
      }
      return undefined
    })()
    await new Promise((resolve) => setTimeout(resolve, 60))
    for (let tries = 0; tries < 50 && !isOver; tries++) {
      const deleted = await judged.ask(repositoryDelete, room.asked).catch(() => ({ done: true }))
      isOver = deleted.done
    }
    const last = await pushing
    const listed = await judged.ask(repositoryGet, room.asked).then(
      ({ repository }) => repository.artifactCount,
      () => 0,
    )
    const [{ count } = { count: 0 }] = await judged.world.sql<{ count: number }>(
      `SELECT count(*)::int AS count FROM registry.manifest m JOIN registry.repository r ON r.id = m.repository_id
       WHERE r.name = $1`,
      [room.repository],
    )
    expect(listed).toBe(count)
    if (last) expect((await room.client.fetch(`manifests/t${last.n}`)).status).toBe(200)
  })
})
