import { openDatabase } from '@berth/db'
import type { Followed } from '@berth/messaging'
import { silentLogger } from '@berth/runtime'
import { someImage } from '@berth/testkit'
import { artifactPulled, EventEnvelope, modePut } from '@berth/types'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newProject, type TestProject } from '../testing/test-projects.ts'
import { openWorld, type Replica, type World } from '../testing/test-world.ts'
import { recordPulls } from './record-pulls.ts'

let world: World
const told: { actor?: string; data: ReturnType<typeof artifactPulled.data.parse> }[] = []
let revision = 0

beforeAll(async () => {
  world = await openWorld()
  // Answers and tells while others stop.
  await world.startReplica()
  world.bus.connection.subscribe(artifactPulled.subject, {
    callback: (_err, message: Pick<Followed, 'data'>) => {
      const { actor, data } = EventEnvelope.parse(JSON.parse(new TextDecoder().decode(message.data)))
      told.push({ actor, data: artifactPulled.data.parse(data) as (typeof told)[number]['data'] })
    },
  })
})
afterAll(() => world?.stop())

interface Counted {
  repository: number
  manifest: number
  manifest_at: Date | null
  tags: Record<string, string | null>
}

async function countedOf(project: TestProject, digest: string): Promise<Counted> {
  const [row] = await world.sql<Counted>(
    `SELECT r.pull_count::int AS repository, m.pull_count::int AS manifest, m.pulled_at AS manifest_at,
       (SELECT json_object_agg(t.name, t.pulled_at) FROM tag t WHERE t.manifest_id = m.id) AS tags
     FROM registry.repository r JOIN registry.manifest m ON m.repository_id = r.id
     WHERE r.project_id = $1 AND m.digest = $2`.replace('FROM tag', 'FROM registry.tag'),
    [project.now.id, digest],
  )
  return row as Counted
}

const get = async (replica: Replica, project: TestProject, path: string, init: RequestInit = {}) => {
  const answered = await project.client(replica).fetch(path, init)
  await answered.arrayBuffer()
  return answered.status
}

describe('pulls', () => {
  it('are GETs of manifests that were answered; counted, timed and told when the replica stops at the latest', async () => {
    const replica = await world.startReplica()
    const project = await newProject(world)
    const image = someImage()
    for (const tag of ['1', '2']) await project.client(replica).pushImage(image, tag)
    for (let i = 0; i < 3; i++) expect(await get(replica, project, 'manifests/1')).toBe(200)
    expect(await get(replica, project, `manifests/${image.digest}`)).toBe(200)
    for (const [path, init, status] of [
      ['manifests/2', { method: 'HEAD' }, 200],
      ['manifests/2', { headers: { 'if-none-match': `"${image.digest}"` } }, 304],
      ['manifests/3', {}, 404],
      [`blobs/sha256:${'0'.repeat(64)}`, {}, 404],
    ] as const) {
      expect(await get(replica, project, path, init)).toBe(status)
    }
    expect(await countedOf(project, image.digest)).toMatchObject({ repository: 0, manifest: 0, manifest_at: null })
    const before = Date.now() - 60_000
    await replica.stop()

    const counted = await countedOf(project, image.digest)
    expect(counted).toMatchObject({ repository: 4, manifest: 4, tags: { 2: null } })
    expect(counted.manifest_at?.getTime()).toBeGreaterThan(before)
    expect(Date.parse(counted.tags[1] ?? '')).toBeGreaterThan(before)
    const mine = () => told.filter(({ data }) => data.projectId === project.now.id)
    await expect.poll(mine, { timeout: 10_000 }).toHaveLength(2)
    const data = { repository: `${project.now.name}/app`, digest: image.digest }
    expect(mine()).toMatchObject([
      { actor: 'alice', data: { ...data, tag: '1', count: 3 } },
      { actor: 'alice', data: { ...data, count: 1 } },
    ])
    expect(mine()[1]?.data.tag).toBeUndefined()
  })

  it('are not recorded while that is off', async () => {
    const replica = await world.startReplica()
    const project = await newProject(world)
    const image = someImage()
    await project.client(replica).pushImage(image, '1')
    await world.bus.ask(modePut, { readOnly: false, recordPulls: false, revision: ++revision })
    expect(await get(replica, project, 'manifests/1')).toBe(200)
    await replica.stop()
    expect(await countedOf(project, image.digest)).toMatchObject({ repository: 0, manifest: 0, tags: { 1: null } })
    await world.bus.ask(modePut, { readOnly: false, recordPulls: true, revision: ++revision })
    expect(told.filter(({ data }) => data.projectId === project.now.id)).toEqual([])
  })

  it.each([
    { countPulls: false, timePulls: true },
    { countPulls: true, timePulls: false },
    { countPulls: false, timePulls: false },
  ])('are told, and written down as far as is wanted: %j', async (wanted) => {
    const replica = await world.startReplica()
    const project = await newProject(world)
    const image = someImage()
    await project.client(replica).pushImage(image, '1')
    await world.bus.ask(modePut, { readOnly: false, recordPulls: true, ...wanted, revision: ++revision })
    expect(await get(replica, project, 'manifests/1')).toBe(200)
    await replica.stop()
    const times = wanted.timePulls ? expect.any(String) : null
    const count = wanted.countPulls ? 1 : 0
    expect(await countedOf(project, image.digest)).toMatchObject({
      repository: count,
      manifest: count,
      tags: { 1: times },
    })
    await expect.poll(() => told.filter(({ data }) => data.projectId === project.now.id).length).toBe(1)
    await world.bus.ask(modePut, { readOnly: false, recordPulls: true, revision: ++revision })
  })

  it('are written down when there are a thousand, without waiting', async () => {
    const replica = await world.startReplica()
    const project = await newProject(world)
    const image = someImage()
    await project.client(replica).pushImage(image, '1')
    for (let round = 0; round < 20; round++) {
      await Promise.all(Array.from({ length: 50 }, () => get(replica, project, 'manifests/1')))
    }
    await expect.poll(async () => (await countedOf(project, image.digest)).manifest, { timeout: 8_000 }).toBe(1_000)
    await replica.stop()
  })

  it('wait while they cannot be written down', async () => {
    const database = openDatabase({
      url: world.databaseUrl,
      service: 'registry',
      schema: 'registry',
      log: silentLogger,
    })
    const warned = Promise.withResolvers<void>()
    const log = { ...silentLogger, warn: () => warned.resolve() }
    const replica = await world.startReplica()
    const project = await newProject(world)
    const image = someImage()
    await project.client(replica).pushImage(image, '1')
    await world.sql('ALTER TABLE registry.mode RENAME TO away')
    const recorder = recordPulls({ database, onChange: () => undefined, log, flushMs: 20 })
    const [row] = await world.sql<{ id: number; repository_id: number }>(
      'SELECT id::int, repository_id::int FROM registry.manifest WHERE digest = $1',
      [image.digest],
    )
    const ids = { projectId: project.now.id, repositoryId: row?.repository_id ?? 0, manifestId: row?.id ?? 0 }
    const pull = { ...ids, repository: `${project.now.name}/app`, digest: image.digest, mediaType: 'x/y' }
    recorder.note(pull)
    await warned.promise
    recorder.note(pull)
    await world.sql('ALTER TABLE registry.away RENAME TO mode')
    await recorder.stop()
    expect(await countedOf(project, image.digest)).toMatchObject({ repository: 2, manifest: 2 })
    await database.close()
    await replica.stop()
  })

  it('stand in the way of no push and no deletion, and lose none to other writers', async () => {
    const database = openDatabase({
      url: world.databaseUrl,
      service: 'registry',
      schema: 'registry',
      log: silentLogger,
    })
    const failures: unknown[] = []
    const log = { ...silentLogger, warn: (...args: unknown[]) => void failures.push(args) }
    const recorders = [0, 1].map(() => recordPulls({ database, onChange: () => undefined, log, flushMs: 5 }))
    const replica = await world.startReplica()
    const project = await newProject(world)
    const client = project.client(replica)
    const images = Array.from({ length: 6 }, () => someImage([100]))
    for (const image of images) await client.pushImage(image, 'kept')
    for (const [i, image] of images.entries()) await client.putManifest(`t${i}`, image.manifest)
    const rows = await world.sql<{ id: number; repository_id: number; digest: string }>(
      `SELECT m.id::int, m.repository_id::int, m.digest FROM registry.manifest m
       JOIN registry.repository r ON r.id = m.repository_id WHERE r.project_id = $1`,
      [project.now.id],
    )
    const pulling = { on: true, times: 0 }
    const pullers = recorders.map(async (recorder) => {
      while (pulling.on) {
        for (const row of rows.toReversed()) {
          const [manifestId, repositoryId] = [row.id, row.repository_id]
          for (const tag of ['kept', 't1', undefined]) {
            const { id: projectId, name } = project.now
            const pull = { projectId, repositoryId, manifestId, digest: row.digest, repository: `${name}/app` }
            recorder.note({ ...pull, mediaType: 'x/y', ...(tag !== undefined && { tag }) })
            pulling.times++
          }
        }
        await new Promise((resolve) => setTimeout(resolve, 1))
      }
    })
    const answers: number[] = []
    for (let round = 0; round < 6; round++) {
      const work = images.map(async (image, i) => {
        answers.push((await client.putManifest('kept', image.manifest)).status)
        answers.push((await client.putManifest(`t${(i + round) % 6}`, image.manifest)).status)
      })
      const doomed = someImage([50])
      work.push(
        client.pushImage(doomed, 'doomed').then(async () => {
          answers.push((await client.fetch(`manifests/${doomed.digest}`, { method: 'DELETE' })).status - 1)
        }),
      )
      await Promise.all(work)
    }
    pulling.on = false
    await Promise.all(pullers)
    for (const recorder of recorders) await recorder.stop()
    await database.close()
    expect(new Set(answers)).toEqual(new Set([201]))
    expect(failures).toEqual([])
    expect(world.postgresLines.filter((line) => /deadlock/i.test(line))).toEqual([])
    const [sum] = await world.sql<{ pulls: number; repository: number }>(
      `SELECT sum(m.pull_count)::int AS pulls, max(r.pull_count)::int AS repository
       FROM registry.manifest m JOIN registry.repository r ON r.id = m.repository_id WHERE r.project_id = $1`,
      [project.now.id],
    )
    expect(sum).toEqual({ pulls: pulling.times, repository: pulling.times })
    await replica.stop()
  })
})
