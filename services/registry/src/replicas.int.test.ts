import { sha256, someBytes, someImage } from '@berth/testkit'
import { projectPut } from '@berth/types'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RegistryClient } from './testing/registry-client.ts'
import { openWorld, type Replica, testProject, type World } from './testing/test-world.ts'

let world: World
let one: Replica
let two: Replica

beforeAll(async () => {
  world = await openWorld()
  one = await world.startReplica()
  two = await world.startReplica()
})
afterAll(() => world?.stop())

const at = (replica: Replica, name = 'library/app', rev = 1) =>
  new RegistryClient(replica.url, name, `Bearer ${world.tokenFor(name, ['pull', 'push', 'delete'], { rev })}`)

describe('two replicas', () => {
  it('see a moved tag, a deleted tag and a deleted manifest in the next request', async () => {
    const [a, b] = [someImage(), someImage()]
    const digestAt = async (replica: Replica) => {
      const answered = await at(replica).fetch('manifests/moving')
      return answered.status === 200 ? sha256(Buffer.from(await answered.arrayBuffer())) : answered.status
    }
    for (let round = 0; round < 3; round++) {
      for (const image of [a, b]) {
        expect((await at(one).pushImage(image, 'moving')).status).toBe(201)
        expect(await digestAt(two)).toBe(image.digest)
      }
      expect((await at(two).fetch('manifests/moving', { method: 'DELETE' })).status).toBe(202)
      expect(await digestAt(one)).toBe(404)
    }
    expect((await at(two).fetch(`manifests/${a.digest}`)).status).toBe(200)
    expect((await at(one).fetch(`manifests/${a.digest}`, { method: 'DELETE' })).status).toBe(202)
    expect((await at(two).fetch(`manifests/${a.digest}`)).status).toBe(404)
  })

  it('obey a policy put on one of them at once', async () => {
    const put = (revision: number, accessRevision: number) =>
      world.bus.ask(projectPut, { project: testProject({ id: 30, name: 'policy', revision, accessRevision }) })
    await put(1, 1)
    const image = someImage()
    const client = (replica: Replica, rev: number) =>
      new RegistryClient(
        replica.url,
        'policy/app',
        `Bearer ${world.tokenFor('policy/app', ['pull', 'push'], { project: 30, rev })}`,
      )
    expect((await client(one, 1).pushImage(image, '1')).status).toBe(201)
    for (let revision = 2; revision < 12; revision++) {
      await put(revision, revision)
      for (const replica of [one, two]) {
        expect((await client(replica, revision - 1).fetch('manifests/1')).status).toBe(401)
        expect((await client(replica, revision).fetch('manifests/1')).status).toBe(200)
      }
    }
  })

  it('take turns at one upload', async () => {
    const blob = someBytes(400_000)
    let location = await at(one).startUpload()
    for (let part = 0; part < 4; part++) {
      const replica = part % 2 === 0 ? two : one
      const path = new URL(location).pathname
      const body = blob.subarray(part * 100_000, (part + 1) * 100_000)
      const answered = await at(replica).patch(`${replica.url}${path}`, body)
      expect(answered.status).toBe(202)
      expect(answered.headers.get('range')).toBe(`0-${(part + 1) * 100_000 - 1}`)
      location = answered.headers.get('location') ?? ''
    }
    const put = await at(two).put(`${two.url}${new URL(location).pathname}`, sha256(blob))
    expect(put.status).toBe(201)
    const got = await at(one).fetch(`blobs/${sha256(blob)}`)
    expect(Buffer.from(await got.arrayBuffer())).toEqual(blob)
  })

  it('take over an upload from one that was killed in the middle of a chunk', async () => {
    const doomed = await world.spawnReplica()
    const blob = someBytes(3_000_000)
    const location = await at(doomed).startUpload()
    const first = await at(doomed).patch(location, blob.subarray(0, 1_000_000))
    expect(first.status).toBe(202)

    const { body, begun } = hangingBody(blob.subarray(1_000_000, 2_000_000))
    const broken = at(doomed)
      .fetch(location, { method: 'PATCH', body, duplex: 'half' })
      .then(
        () => 'answered',
        () => 'broken',
      )
    await begun
    await new Promise((resolve) => setTimeout(resolve, 200))
    await doomed.kill()
    expect(await broken).toBe('broken')

    const there = `${two.url}${new URL(location).pathname}`
    const status = await at(two).fetch(there)
    expect(status.status).toBe(204)
    const held = Number(status.headers.get('range')?.split('-')[1]) + 1
    expect(held).toBeGreaterThanOrEqual(1_000_000)
    const rest = await at(two).patch(there, blob.subarray(held), { 'content-range': `${held}-${blob.length - 1}` })
    expect(rest.status).toBe(202)
    expect((await at(one).put(`${one.url}${new URL(location).pathname}`, sha256(blob))).status).toBe(201)
    const got = await at(one).fetch(`blobs/${sha256(blob)}`)
    expect(Buffer.from(await got.arrayBuffer())).toEqual(blob)
  })

  it('take over an upload from one that is frozen, and are not disturbed when it wakes up', async () => {
    const frozen = await world.spawnReplica()
    const [first, late, other] = [someBytes(1_000_000), someBytes(700_000), someBytes(600_000)]
    const location = await at(frozen).startUpload()
    expect((await at(frozen).patch(location, first)).status).toBe(202)
    const hang = hangingBody(late)
    const lost = at(frozen)
      .fetch(location, { method: 'PATCH', body: hang.body, duplex: 'half' })
      .then((answered) => answered.status)
    await hang.begun
    await new Promise((resolve) => setTimeout(resolve, 300))
    frozen.signal('SIGSTOP')

    const there = `${two.url}${new URL(location).pathname}`
    const held = Number((await at(two).fetch(there)).headers.get('range')?.split('-')[1]) + 1
    expect(held).toBe(first.length)
    const rest = at(two).patch(there, other, { 'content-range': `${held}-${held + other.length - 1}` })
    expect((await rest).status).toBe(202)
    frozen.signal('SIGCONT')
    hang.end()
    expect(await lost).toBeGreaterThanOrEqual(400)
    const blob = Buffer.concat([first, other])
    expect((await at(two).put(there, sha256(blob))).status).toBe(201)
    const got = await at(one).fetch(`blobs/${sha256(blob)}`)
    expect(Buffer.from(await got.arrayBuffer())).toEqual(blob)
    await frozen.stop()
  })

  it('go on at once where one left off that was told to stop in the middle of a chunk', async () => {
    const stopping = await world.startReplica({ graceMs: 1_000 })
    const blob = someBytes(900_000)
    const location = await at(stopping).startUpload()
    const hang = hangingBody(blob.subarray(0, 500_000))
    const broken = at(stopping)
      .fetch(location, { method: 'PATCH', body: hang.body, duplex: 'half' })
      .then(
        () => 'answered',
        () => 'broken',
      )
    await hang.begun
    await new Promise((resolve) => setTimeout(resolve, 300))
    await stopping.stop()
    expect(await broken).toBe('broken')
    const there = `${two.url}${new URL(location).pathname}`
    expect((await at(two).fetch(there)).headers.get('range')).toBe('0-499999')
    const leases = await world.sql('SELECT id FROM registry.upload WHERE lease_until IS NOT NULL')
    expect(leases).toEqual([])
    expect((await at(two).put(there, sha256(blob), blob.subarray(500_000))).status).toBe(201)
  })

  it('continue an upload after a restart', async () => {
    const before = await world.spawnReplica()
    const blob = someBytes(200_000)
    const location = await at(before).startUpload()
    expect((await at(before).patch(location, blob.subarray(0, 150_000))).status).toBe(202)
    await before.stop()
    const after = await world.spawnReplica()
    const there = `${after.url}${new URL(location).pathname}`
    expect((await at(after).fetch(there)).headers.get('range')).toBe('0-149999')
    expect((await at(after).put(there, sha256(blob), blob.subarray(150_000))).status).toBe(201)
    await after.stop()
  })

  it('store one copy of a blob that sixteen push at once', async () => {
    const blob = someBytes(300_000)
    const answers = await Promise.all(
      Array.from({ length: 16 }, (_, i) => {
        const client = at(i % 2 === 0 ? one : two, `library/many${i % 4}`)
        return i % 3 === 0 ? client.postBlob(blob) : client.pushBlob(blob)
      }),
    )
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201))
    const { storedCopies, rows } = await copiesOf(sha256(blob))
    expect(rows).toBe(1)
    await expect.poll(async () => (await copiesOf(sha256(blob))).storedCopies, { timeout: 10_000 }).toBe(1)
    expect(storedCopies).toBeGreaterThanOrEqual(1)
    for (let i = 0; i < 4; i++) {
      const got = await at(one, `library/many${i}`).fetch(`blobs/${sha256(blob)}`)
      expect(Buffer.from(await got.arrayBuffer())).toEqual(blob)
    }
  })
})

/** A body that sends this and then nothing, until it is ended. */
function hangingBody(bytes: Uint8Array): { body: ReadableStream; begun: Promise<void>; end: () => void } {
  const [begun, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(bytes),
    async pull(controller) {
      begun.resolve()
      await end.promise
      controller.close()
    },
  })
  return { body, begun: begun.promise, end: end.resolve }
}

async function copiesOf(digest: string): Promise<{ storedCopies: number; rows: number }> {
  const { readdir } = await import('node:fs/promises')
  const hex = digest.slice('sha256:'.length)
  const files = await readdir(`${world.storageRoot}/blobs/sha256/${hex.slice(0, 2)}/${hex}`)
  const [row] = await world.sql<{ count: number }>(
    'SELECT count(*)::int AS count FROM registry.blob WHERE digest = $1',
    [digest],
  )
  return { storedCopies: files.length, rows: row?.count ?? 0 }
}
