import { readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { sha256, someBytes } from '@berth/testkit'
import { NO_POLICY } from '@berth/types'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { codeOf, RegistryClient } from '../../testing/registry-client.ts'
import { openWorld, type Replica, testProject, type World } from '../../testing/test-world.ts'
import { firstFaults, INTERNAL, randomFaults, SLOW_DOWN } from '../testing/fault-plan.ts'
import { type S3Double, s3Double } from '../testing/s3-double.ts'

const MIB = 1024 * 1024
let s3: S3Double
let world: World
let one: Replica
let two: Replica

beforeAll(async () => {
  s3 = await s3Double()
  world = await openWorld({ s3: s3.settings })
  one = await world.startReplica()
  two = await world.startReplica()
})
afterEach(() => {
  s3.faults = () => undefined
  s3.room = Number.POSITIVE_INFINITY
})
afterAll(async () => {
  await world?.stop()
  await s3?.stop()
})

const at = (replica: Replica, name = 'library/s3') =>
  new RegistryClient(replica.url, name, `Bearer ${world.tokenFor(name)}`)
const moved = (location: string, replica: Replica) => `${replica.url}${new URL(location).pathname}`

async function pulled(replica: Replica, digest: string, headers: Record<string, string> = {}): Promise<Buffer> {
  const got = await at(replica).fetch(`blobs/${digest}`, { headers })
  return Buffer.from(await got.arrayBuffer())
}

/** What lies in the bucket is named by a row, and nothing is half done. */
async function expectNothingLeft(): Promise<void> {
  const live = async () => {
    const rows = await world.sql<{ storage_key: string }>('SELECT storage_key FROM registry.blob')
    const keys = new Set(rows.map((row) => row.storage_key))
    return [...s3.objects.keys()].filter((key) => !keys.has(key))
  }
  await expect.poll(live, { timeout: 10_000 }).toEqual([])
  await expect.poll(() => s3.begun.size, { timeout: 10_000 }).toBe(0)
}

describe('blobs on S3', () => {
  it.each([0, 1, 1_000_000, 6 * MIB, 20 * MIB])(
    'of %i bytes come back as they were, whole and in part',
    async (size) => {
      for (const push of ['postBlob', 'pushBlob'] as const) {
        const blob = someBytes(size)
        expect((await at(one)[push](blob)).status).toBe(201)
        expect((await pulled(two, sha256(blob))).equals(blob)).toBe(true)
        if (size === 0) continue
        const part = await at(two).fetch(`blobs/${sha256(blob)}`, { headers: { range: `bytes=${size - 1}-` } })
        expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes ${size - 1}-${size - 1}/${size}`])
        const beyond = await at(two).fetch(`blobs/${sha256(blob)}`, { headers: { range: `bytes=${size}-` } })
        expect(beyond.status).toBe(416)
      }
      await expectNothingLeft()
    },
  )

  it('are written once: what is pushed is not copied when it becomes a blob', async () => {
    const before = s3.asked.length
    const blob = someBytes(2 * MIB)
    expect((await at(one).pushBlob(blob)).status).toBe(201)
    const kinds = s3.asked.slice(before).map(({ operation }) => operation)
    expect(kinds).toEqual(['put'])
  })

  it('that are here already are not kept twice', async () => {
    for (const size of [1_000, 7 * MIB]) {
      const blob = someBytes(size)
      const answers = await Promise.all(
        Array.from({ length: 4 }, (_, i) => at(i % 2 ? one : two, `library/many${i % 3}`).pushBlob(blob)),
      )
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201))
    }
    await expectNothingLeft()
  })

  it('whose digest is another one leave nothing', async () => {
    for (const size of [1_000, 7 * MIB]) {
      const wrong = await at(one).postBlob(someBytes(size), sha256('other'))
      expect([wrong.status, await codeOf(wrong)]).toEqual([400, 'DIGEST_INVALID'])
      const location = await at(one).startUpload()
      await at(one).patch(location, someBytes(size))
      expect((await at(one).put(location, sha256('other'))).status).toBe(400)
      expect((await at(one).fetch(location)).status).toBe(404)
    }
    await expectNothingLeft()
  })

  it('may be named by sha512 in a session that did not say so', async () => {
    const { createHash } = await import('node:crypto')
    for (const size of [1_000, 7 * MIB]) {
      const blob = someBytes(size)
      const digest = `sha512:${createHash('sha512').update(blob).digest('hex')}`
      const location = await at(one).startUpload()
      await at(one).patch(location, blob)
      expect((await at(one).put(location, `sha512:${'0'.repeat(128)}`)).status).toBe(400)
      const again = await at(one).startUpload()
      await at(one).patch(again, blob)
      const put = await at(one).put(again, digest)
      expect([put.status, put.headers.get('docker-content-digest')]).toEqual([201, digest])
      expect((await pulled(two, digest)).equals(blob)).toBe(true)
    }
    await expectNothingLeft()
  })

  it('are found by whoever pulls through a storage that breaks off', async () => {
    const blob = someBytes(3 * MIB)
    await at(one).postBlob(blob)
    s3.faults = firstFaults({ get: [SLOW_DOWN, { kind: 'short-body' }, { kind: 'reset' }, { kind: 'short-body' }] })
    expect((await pulled(one, sha256(blob))).equals(blob)).toBe(true)
  })
})

/** Sends more than there is room for and goes on sending until there is an answer. */
function refusedWhileSending(location: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${world.tokenFor('library/s3')}`, 'transfer-encoding': 'chunked' }
    const req = request(location, { method: 'PATCH', headers })
    const chunk = someBytes(MIB)
    const send = () => void req.write(chunk, () => setTimeout(send, 10))
    req.on('response', (res) => {
      resolve(res.statusCode ?? 0)
      res.resume()
      req.destroy()
    })
    req.on('error', reject)
    send()
  })
}

describe('an upload to S3', () => {
  it('comes in chunks of any length, on replicas in turn', async () => {
    const sizes = [100, 6 * MIB, 50, 3 * MIB, 14 * MIB, 1]
    const blob = someBytes(sizes.reduce((sum, size) => sum + size, 0))
    let location = await at(one).startUpload()
    let offset = 0
    for (const [i, size] of sizes.entries()) {
      const replica = i % 2 === 0 ? two : one
      const body = blob.subarray(offset, offset + size)
      const range = { 'content-range': `${offset}-${offset + size - 1}` }
      const answered = await at(replica).patch(moved(location, replica), body, range)
      offset += size
      expect([answered.status, answered.headers.get('range')]).toEqual([202, `0-${offset - 1}`])
      location = answered.headers.get('location') ?? ''
    }
    const outOfOrder = await at(one).patch(moved(location, one), someBytes(5), { 'content-range': '3-7' })
    expect(outOfOrder.status).toBe(416)
    expect((await at(one).put(moved(location, one), sha256(blob))).status).toBe(201)
    expect((await pulled(two, sha256(blob))).equals(blob)).toBe(true)
    await expectNothingLeft()
  })

  it('ends on another replica without its bytes being read', async () => {
    for (const size of [1_000, 7 * MIB]) {
      const blob = someBytes(size)
      const location = await at(one).startUpload()
      await at(one).patch(location, blob)
      const before = s3.count('get')
      expect((await at(two).put(moved(location, two), sha256(blob))).status).toBe(201)
      expect(s3.count('get')).toBe(before)
    }
  })

  it('says how long chunks should be, and refuses the next one when there are too many short ones', async () => {
    const started = await at(one).fetch('blobs/uploads/', { method: 'POST' })
    expect(started.headers.get('oci-chunk-min-length')).toBe('81920')
    const location = started.headers.get('location') ?? ''
    for (let i = 0; i < 64; i++) expect((await at(one).patch(location, Buffer.from('x'))).status).toBe(202)
    const refused = await at(one).patch(location, Buffer.from('x'))
    expect([refused.status, refused.headers.get('oci-chunk-min-length')]).toEqual([416, '81920'])
    expect((await at(one).fetch(location)).headers.get('range')).toBe('0-63')
    expect((await at(one).put(location, sha256('x'.repeat(65)), Buffer.from('x'))).status).toBe(201)
    await expectNothingLeft()
  })

  it('that is cancelled leaves nothing', async () => {
    for (const sizes of [[], [1_000], [1_000, 1_000], [7 * MIB, 1_000]]) {
      const location = await at(one).startUpload()
      for (const size of sizes) await at(one).patch(location, someBytes(size))
      expect((await at(one).fetch(location, { method: 'DELETE' })).status).toBe(204)
    }
    await expectNothingLeft()
  })

  it('that nobody goes on with expires and leaves nothing', async () => {
    const locations: string[] = []
    for (const sizes of [[1_000], [1_000, 1_000], [7 * MIB, 1_000]]) {
      const location = await at(one).startUpload()
      for (const size of sizes) await at(one).patch(location, someBytes(size))
      locations.push(location)
    }
    const sealed = await at(one).startUpload()
    await at(one).patch(sealed, someBytes(7 * MIB))
    await world.sql(`UPDATE registry.upload SET expires_at = now() - interval '1 s', lease_until = NULL`)
    await world.sweep()
    await expectNothingLeft()
  })

  it('gets through a storage that is busy, breaks off and loses answers', async () => {
    for (const seed of [11, 12]) {
      s3.faults = randomFaults(seed, 0.15)
      for (const size of [1_000, 6 * MIB, 20 * MIB]) {
        const blob = someBytes(size)
        expect((await at(one).pushBlob(blob)).status).toBe(201)
        expect((await pulled(two, sha256(blob))).equals(blob)).toBe(true)
      }
    }
    s3.faults = () => undefined
  })

  it('that cannot be stored for now keeps its bytes until it can', async () => {
    const blob = someBytes(7 * MIB)
    const location = await at(one).startUpload()
    expect((await at(one).patch(location, blob)).status).toBe(202)
    s3.faults = (operation) => (operation === 'complete-parts' ? INTERNAL : undefined)
    const away = await at(one).put(location, sha256(blob))
    expect([away.status, await codeOf(away), away.headers.has('retry-after')]).toEqual([503, 'UNAVAILABLE', true])
    expect((await at(one).fetch(location)).headers.get('range')).toBe(`0-${blob.length - 1}`)
    s3.faults = () => undefined
    expect((await at(two).put(moved(location, two), sha256(blob))).status).toBe(201)
    expect((await pulled(one, sha256(blob))).equals(blob)).toBe(true)
  })

  it('that finds no room is told so, and goes on when there is some', async () => {
    const blob = someBytes(18 * MIB)
    const location = await at(one).startUpload()
    const used = [...s3.objects.values()].reduce((sum, { size }) => sum + size, 0)
    s3.room = used + 10 * MIB
    const full = await at(one).patch(location, blob)
    expect([full.status, await codeOf(full)]).toEqual([507, 'UNAVAILABLE'])
    const range = (await at(one).fetch(location)).headers.get('range') ?? ''
    const held = range === '0-0' ? 0 : Number(range.split('-')[1]) + 1
    expect(held).toBeLessThanOrEqual(10 * MIB)
    const post = await at(one).postBlob(someBytes(11 * MIB))
    expect(post.status).toBe(507)
    const endless = await at(one).startUpload()
    expect(await refusedWhileSending(endless)).toBe(507)
    expect((await at(one).fetch(endless, { method: 'DELETE' })).status).toBe(204)
    s3.room = Number.POSITIVE_INFINITY
    expect((await at(one).patch(location, blob.subarray(held))).status).toBe(202)
    expect((await at(one).put(location, sha256(blob))).status).toBe(201)
    expect((await pulled(two, sha256(blob))).equals(blob)).toBe(true)
  })
})

describe('the trash', () => {
  it('is emptied of all but what the storage does not let go of, which waits for its turn', async () => {
    const keys = ['blobs/aa/one/1.0', 'blobs/bb/two/1.0', 'blobs/cc/three/1.0']
    for (const key of keys) {
      s3.objects.set(key, { bytes: Buffer.from('x'), size: 1, etag: 'x', at: new Date() })
      await world.sql('INSERT INTO registry.trash (storage_key, size) VALUES ($1, 1)', [key])
    }
    s3.kept.add(keys[0] as string)
    await world.sweep()
    const left = () => world.sql<{ storage_key: string }>('SELECT storage_key FROM registry.trash')
    expect(await left()).toEqual([{ storage_key: keys[0] }])
    expect(keys.filter((key) => s3.objects.has(key))).toEqual([keys[0]])
    s3.kept.clear()
    await world.sweep()
    expect(await left()).toEqual([])
    await expectNothingLeft()
  }, 30_000)
})

describe('a replica that dies', () => {
  it('in the middle of a chunk is followed by another one', async () => {
    const doomed = await world.spawnReplica()
    const blob = someBytes(40 * MIB)
    const location = await at(doomed).startUpload()
    expect((await at(doomed).patch(location, blob.subarray(0, 6 * MIB))).status).toBe(202)
    let send: ReadableStreamDefaultController | undefined
    const body = new ReadableStream({
      start: (controller) => {
        send = controller
      },
    })
    const broken = at(doomed)
      .fetch(location, { method: 'PATCH', body, duplex: 'half' })
      .catch(() => 'broken')
    send?.enqueue(new Uint8Array(blob.subarray(6 * MIB, 34 * MIB)))
    await expect.poll(() => s3.count('put-part'), { timeout: 20_000 }).toBeGreaterThan(1)
    const heldNow = async () => {
      const range = (await at(two).fetch(moved(location, two))).headers.get('range')
      return Number(range?.split('-')[1]) + 1
    }
    await expect.poll(heldNow, { timeout: 20_000 }).toBeGreaterThan(6 * MIB)
    await doomed.kill()
    await broken
    const held = await heldNow()
    const rest = await at(two).patch(moved(location, two), blob.subarray(held), {
      'content-range': `${held}-${blob.length - 1}`,
    })
    expect(rest.status).toBe(202)
    expect((await at(two).put(moved(location, two), sha256(blob))).status).toBe(201)
    expect((await pulled(one, sha256(blob))).equals(blob)).toBe(true)
    await expectNothingLeft()
  }, 90_000)

  it('and comes back in the middle of a part does not disturb who followed', async () => {
    const frozen = await world.spawnReplica()
    const [first, late, other] = [someBytes(9 * MIB), someBytes(14 * MIB), someBytes(15 * MIB)]
    const location = await at(frozen).startUpload()
    expect((await at(frozen).patch(location, first)).status).toBe(202)
    let slow = true
    s3.faults = (operation) => (operation === 'put-part' && slow ? SLOW_DOWN : undefined)
    const before = s3.count('put-part')
    const lost = at(frozen)
      .patch(location, late)
      .then(({ status }) => status)
    await expect.poll(() => s3.count('put-part'), { timeout: 20_000 }).toBeGreaterThan(before)
    frozen.signal('SIGSTOP')
    slow = false
    const range = { 'content-range': `${first.length}-${first.length + other.length - 1}` }
    expect((await at(two).patch(moved(location, two), other, range)).status).toBe(202)
    frozen.signal('SIGCONT')
    expect(await lost).toBeGreaterThanOrEqual(400)
    const blob = Buffer.concat([first, other])
    expect((await at(two).put(moved(location, two), sha256(blob))).status).toBe(201)
    expect((await pulled(one, sha256(blob))).equals(blob)).toBe(true)
    await frozen.stop()
    await expectNothingLeft()
  }, 90_000)
})

describe('memory', () => {
  it('stays flat while eight upload large blobs at once', async () => {
    const replica = await world.spawnReplica()
    s3.forgetful = true
    const { pid } = replica
    const peak = async () =>
      Number(/VmHWM:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024
    const before = await peak()
    const chunk = someBytes(MIB)
    const blob = sha256(Buffer.concat(Array.from({ length: 48 }, () => chunk)))
    const push = async (i: number) => {
      const location = await at(replica, `library/large${i}`).startUpload()
      let left = 48
      const body = new ReadableStream({
        pull(controller) {
          if (left-- > 0) controller.enqueue(new Uint8Array(chunk))
          else controller.close()
        },
      })
      const sent = await at(replica, `library/large${i}`).fetch(location, { method: 'PATCH', body, duplex: 'half' })
      expect(sent.status).toBe(202)
      return (await at(replica, `library/large${i}`).put(sent.headers.get('location') ?? '', blob)).status
    }
    expect(await Promise.all(Array.from({ length: 8 }, (_, i) => push(i)))).toEqual(Array(8).fill(201))
    s3.forgetful = false
    // The pool is 64 MiB; eight whole blobs would be 384.
    expect((await peak()) - before).toBeLessThan(200)
    await replica.stop()
  }, 120_000)
})

describe('a redirect', () => {
  it('sends who pulls to the S3, but not who only asks', async () => {
    const replica = await world.startReplica({
      storage: { ...(world.storage as never as object), s3: { ...s3.settings, redirect: true } } as never,
    })
    const blob = someBytes(1_000)
    await at(replica).postBlob(blob)
    const got = await at(replica).fetch(`blobs/${sha256(blob)}`)
    expect([got.status, got.headers.get('docker-content-digest')]).toEqual([307, sha256(blob)])
    expect(got.headers.get('cache-control')).toBe('no-store')
    const there = await fetch(got.headers.get('location') ?? '')
    expect(Buffer.from(await there.arrayBuffer())).toEqual(blob)
    const head = await at(replica).fetch(`blobs/${sha256(blob)}`, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '1000'])
    const known = { headers: { 'if-none-match': `"${sha256(blob)}"` } }
    expect((await at(replica).fetch(`blobs/${sha256(blob)}`, known)).status).toBe(304)
    expect((await at(one).fetch(`blobs/${sha256(blob)}`)).status).toBe(200)

    const { BlockList } = await import('node:net')
    const streamNetworks = new BlockList()
    streamNetworks.addSubnet('192.0.2.0', 24, 'ipv4')
    const choosy = await world.startReplica({
      storage: { driver: 's3', s3: { ...s3.settings, redirect: true }, streamNetworks },
    })
    const from = async (address: string) =>
      (await at(choosy).fetch(`blobs/${sha256(blob)}`, { headers: { 'x-forwarded-for': address } })).status
    expect([await from('192.0.2.7'), await from('198.51.100.7')]).toEqual([200, 307])

    const project = testProject({ id: 40, name: 'streamed', policy: { ...NO_POLICY, streamBlobs: true } })
    world.core.projects.set('streamed', project)
    const client = new RegistryClient(
      choosy.url,
      'streamed/app',
      `Bearer ${world.tokenFor('streamed/app', ['pull', 'push'], { project: 40 })}`,
    )
    await client.postBlob(blob)
    expect((await client.fetch(`blobs/${sha256(blob)}`)).status).toBe(200)
  })
})
