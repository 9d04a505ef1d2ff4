import { sha256, someBytes, someImage } from '@berth/testkit'
import { modePut } from '@berth/types'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { refusalOf } from '../testing/answers.ts'
import { newProject } from '../testing/test-projects.ts'
import { openWorld, type Replica, type World } from '../testing/test-world.ts'

let world: World
let one: Replica
let two: Replica
let revision = 0

beforeAll(async () => {
  world = await openWorld()
  one = await world.startReplica()
  two = await world.startReplica()
})
afterAll(() => world?.stop())

const put = (readOnly: boolean) => world.bus.ask(modePut, { readOnly, recordPulls: true, revision: ++revision })

const REFUSED = [403, 'DENIED', 'The system is in read only mode. Any modification is prohibited.']

describe('read-only mode', () => {
  it('refuses every change on every replica from its answer on, and no pull', async () => {
    const project = await newProject(world)
    const from = project.client(one, 'from')
    const app = project.client(one)
    const image = someImage([100])
    await from.pushImage(image, '1')
    expect((await app.pushImage(image, '1')).status).toBe(201)
    const session = await app.startUpload()
    const config = sha256(image.config)
    await put(true)

    const name = `${project.now.name}/from`
    const access = [
      { type: 'repository', name, actions: ['pull'], project: project.now.id, rev: 1 },
      {
        type: 'repository',
        name: `${project.now.name}/new`,
        actions: ['pull', 'push'],
        project: project.now.id,
        rev: 1,
      },
    ]
    const mounting = { authorization: `Bearer ${world.token({ access })}` }
    for (const replica of [one, two]) {
      const client = project.client(replica)
      const there = `${replica.url}${new URL(session).pathname}`
      const changes: Record<string, () => Promise<Response>> = {
        'upload POST': () => client.fetch('blobs/uploads/', { method: 'POST' }),
        'whole POST': () => client.postBlob(someBytes(10)),
        'POST in a new repository': () => project.client(replica, 'new').fetch('blobs/uploads/', { method: 'POST' }),
        PATCH: () => client.patch(there, someBytes(10)),
        PUT: () => client.put(there, sha256(''), undefined),
        'end of an upload': () => client.fetch(there, { method: 'DELETE' }),
        mount: () =>
          fetch(`${replica.url}/v2/${project.now.name}/new/blobs/uploads/?mount=${config}&from=${name}`, {
            method: 'POST',
            headers: mounting,
          }),
        manifest: () => client.putManifest('2', image.manifest),
        'manifest by digest': () => client.putManifest(image.digest, image.manifest),
        'tag delete': () => client.fetch('manifests/1', { method: 'DELETE' }),
        'manifest delete': () => client.fetch(`manifests/${image.digest}`, { method: 'DELETE' }),
        'blob delete': () => client.fetch(`blobs/${config}`, { method: 'DELETE' }),
      }
      for (const [what, change] of Object.entries(changes)) {
        expect([what, ...(await refusalOf(await change()))]).toEqual([what, ...REFUSED])
      }
      for (const path of ['manifests/1', `blobs/${config}`, 'tags/list']) {
        expect((await client.fetch(path)).status).toBe(200)
      }
      expect((await client.fetch('manifests/1', { method: 'HEAD' })).status).toBe(200)
      expect((await client.fetch(there)).status).toBe(204)
    }
    expect(await world.sql('SELECT id FROM registry.upload WHERE lease_until IS NOT NULL')).toEqual([])

    await put(false)
    expect((await project.client(two).putManifest('2', image.manifest)).status).toBe(201)
    expect((await app.put(session, sha256(''))).status).toBe(201)
  })

  it('is the newest that was put', async () => {
    const project = await newProject(world)
    await put(true)
    const older = { readOnly: false, recordPulls: true, revision: revision - 1 }
    expect(await world.bus.ask(modePut, older)).toEqual({ revision })
    expect((await project.client(one).fetch('blobs/uploads/', { method: 'POST' })).status).toBe(403)
    expect(await put(false)).toEqual({ revision })
    expect((await project.client(one).fetch('blobs/uploads/', { method: 'POST' })).status).toBe(202)
  })
})
