import { someImage } from '@berth/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { codeOf, RegistryClient } from './testing/registry-client.ts'
import { openWorld, type Replica, type World } from './testing/test-world.ts'

let world: World
let replica: Replica

beforeAll(async () => {
  world = await openWorld()
  replica = await world.startReplica()
})
afterAll(() => world?.stop())

const client = (name = 'library/app', of = {}) =>
  new RegistryClient(replica.url, name, `Bearer ${world.tokenFor(name, undefined, of)}`)

describe('when Postgres is frozen', () => {
  it('says so soon and recovers by itself', async () => {
    const image = someImage()
    expect((await client().pushImage(image, '1')).status).toBe(201)
    // Every process of it: one that is stopped alone leaves its sessions running.
    const sessions = await world.sql<{ pid: number }>('SELECT pid FROM pg_stat_activity')
    const signal = (name: NodeJS.Signals) => {
      for (const { pid } of [...sessions, world.postgres]) process.kill(pid, name)
    }
    signal('SIGSTOP')
    try {
      for (const [method, path] of [
        ['GET', 'manifests/1'],
        ['POST', 'blobs/uploads/'],
        ['GET', 'tags/list'],
      ] as const) {
        const answered = await client().fetch(path, { method, signal: AbortSignal.timeout(10_000) })
        expect([answered.status, await codeOf(answered)]).toEqual([503, 'UNAVAILABLE'])
        expect(Number(answered.headers.get('retry-after'))).toBeGreaterThan(0)
      }
      expect((await fetch(`${replica.adminUrl}/readyz`)).status).toBe(503)
    } finally {
      signal('SIGCONT')
    }
    await expect.poll(async () => (await client().fetch('manifests/1')).status, { timeout: 20_000 }).toBe(200)
    expect((await client().pushImage(someImage(), '2')).status).toBe(201)
  })
})

describe('when NATS is away', () => {
  it('serves known projects as ever and says that others have to wait', async () => {
    const image = someImage()
    expect((await client().pushImage(image, '1')).status).toBe(201)
    world.nats.kill('SIGKILL')
    await world.nats.exited
    expect((await client().fetch('manifests/1')).status).toBe(200)
    expect((await client().pushImage(someImage(), '3')).status).toBe(201)
    const unknown = await client('other/app', { project: 77 }).fetch('manifests/1')
    expect([unknown.status, await codeOf(unknown)]).toEqual([503, 'UNAVAILABLE'])
    const basic = `Basic ${Buffer.from('alice:secret').toString('base64')}`
    const asked = await new RegistryClient(replica.url, 'library/app', basic).fetch('manifests/1')
    expect(asked.status).toBe(503)
    expect(asked.headers.get('retry-after')).not.toBeNull()
    expect(asked.headers.get('x-berth-credentials')).toBeNull()
  })
})
