import { randomBytes } from 'node:crypto'
import { Writable } from 'node:stream'
import { digestOf } from '@berth/oci'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { testSession } from '../storage.contract.ts'
import { BytesMissing, ChunkTooShort, StorageFull, type StoredUpload } from '../storage.ts'
import { firstFaults, INTERNAL, randomFaults, SLOW_DOWN } from '../testing/fault-plan.ts'
import { type S3Double, s3Double } from '../testing/s3-double.ts'
import { PAGE_BYTES, pagePool } from './page-pool.ts'
import { s3Storage } from './s3-storage.ts'

// Megabytes over loopback take their time on a busy machine.
vi.setConfig({ testTimeout: 60_000 })

const MIB = 1024 * 1024
let s3: S3Double

beforeEach(async () => {
  s3 = await s3Double()
})
afterEach(() => s3.stop())

const kinds = () => s3.asked.map(({ operation }) => operation)

async function bytesAt(key: string): Promise<Buffer> {
  return s3.objects.get(key)?.bytes ?? Buffer.from('missing')
}

describe('an upload to S3', () => {
  it('is one request when it is small and comes at once', async () => {
    const session = testSession(s3Storage(s3.settings))
    const bytes = randomBytes(1_000_000)
    await session.write(bytes)
    expect(kinds()).toEqual(['put'])
    const key = session.upload.state === null ? '' : await session.store(digestOf(bytes))
    expect(s3.count('put')).toBe(1)
    expect((await bytesAt(key)).equals(bytes)).toBe(true)
  })

  it('is sent in parts of 8 to 13 MiB, of which the last swallows the rest', async () => {
    const session = testSession(s3Storage(s3.settings))
    const bytes = randomBytes(30 * MIB)
    await session.write(bytes)
    const [upload] = s3.begun.values()
    const sizes = [...(upload?.parts ?? [])].sort(([a], [b]) => a - b).map(([, part]) => part.size)
    expect(sizes.slice(0, 2)).toEqual([8 * MIB, 8 * MIB])
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(bytes.length)
    for (const size of sizes) expect(size >= 5 * MIB && size <= 13 * MIB).toBe(true)
    expect(s3.objects.size).toBe(0)
    const key = await session.store(digestOf(bytes))
    expect((await bytesAt(key)).equals(bytes)).toBe(true)
    expect([s3.objects.size, s3.begun.size]).toEqual([1, 0])
  })

  it('reads short pieces back only when more follows', async () => {
    const session = testSession(s3Storage(s3.settings))
    const pieces = [1, 2, 1, 6, 1].map((mib) => randomBytes(mib * MIB))
    for (const piece of pieces.slice(0, 3)) await session.write(piece)
    expect([s3.count('get'), s3.count('begin-parts')]).toEqual([0, 0])
    await session.write(pieces[3] as Buffer)
    expect([s3.count('get'), s3.count('put-part')]).toEqual([3, 1])
    await session.write(pieces[4] as Buffer)
    expect(s3.count('get')).toBe(3)
    const key = await session.store(digestOf(Buffer.concat(pieces)))
    expect((await bytesAt(key)).equals(Buffer.concat(pieces))).toBe(true)
    expect([...s3.objects.keys()]).toEqual([key])
  })

  it('takes 64 short pieces, refuses the next one and still takes a last one', async () => {
    const session = testSession(s3Storage(s3.settings))
    const pieces = Array.from({ length: 64 }, (_, i) => Buffer.from(`piece ${i};`))
    for (const piece of pieces) await session.write(piece)
    const before = session.upload
    const writer = await session.open()
    await writer.write(Buffer.from('no'))
    await expect(writer.close()).rejects.toThrow(ChunkTooShort)
    expect(writer.progress().offset).toBe(before.offset)
    const last = await session.open({ isLast: true })
    await last.write(Buffer.from('yes'))
    await last.close()
    session.upload = { path: before.path, ...last.progress() }
    const whole = Buffer.concat([...pieces, Buffer.from('yes')])
    const key = await session.store(digestOf(whole))
    expect((await bytesAt(key)).toString()).toBe(whole.toString())
  })

  it('takes any number of pieces that are as long as it says', async () => {
    const storage = s3Storage(s3.settings)
    const session = testSession(storage)
    for (let i = 0; i < 70; i++) await session.write(Buffer.alloc(storage.minChunkBytes ?? 0))
    expect(session.upload.offset).toBe(70 * (storage.minChunkBytes ?? 0))
  })

  it('leaves nothing behind when it is given up at any point', async () => {
    const storage = s3Storage(s3.settings)
    for (const sizes of [[], [100], [100, 200], [6 * MIB], [20 * MIB, 100, 100]]) {
      const session = testSession(storage)
      for (const size of sizes) await session.write(randomBytes(size))
      await storage.discard(session.upload)
      await storage.remove(storage.keysOf(session.upload))
    }
    expect([s3.objects.size, s3.begun.size]).toEqual([0, 0])
  })

  it('leaves what a vanished holder never recorded to the end of the session', async () => {
    const storage = s3Storage(s3.settings)
    const session = testSession(storage)
    const vanished = await session.open()
    await vanished.write(randomBytes(MIB))
    await vanished.close()
    const { upload } = await storage.salvage(session.upload, {
      holder: `${session.id}.9`,
      sealedKey: null,
      take: nobody,
    })
    expect(s3.objects.size).toBe(1)
    session.upload = upload
    await session.write(Buffer.from('again'))
    const key = await session.store(digestOf('again'))
    expect([...s3.objects.keys()]).toEqual([key])
  })

  it('that was stored can be stored once more by who does not know', async () => {
    const storage = s3Storage(s3.settings)
    for (const sizes of [[100], [100, 200], [6 * MIB], [6 * MIB, 100]]) {
      const session = testSession(storage)
      for (const size of sizes) await session.write(randomBytes(size))
      const key = storage.keyFor(session.upload, digestOf('x'), `${session.id}.50`)
      await storage.store(session.upload, key)
      await storage.store(session.upload, key)
      expect(s3.objects.get(key)?.size).toBe(session.upload.offset)
    }
  })

  it('whose parts are gone is missing', async () => {
    const storage = s3Storage(s3.settings)
    const session = testSession(storage)
    await session.write(randomBytes(6 * MIB))
    s3.begun.clear()
    await expect(session.store(digestOf('x'))).rejects.toThrow(BytesMissing)
    await expect(session.write(randomBytes(6 * MIB))).rejects.toThrow(BytesMissing)
  })

  it('survives what an S3 may do to it', async () => {
    const faults = firstFaults({
      put: [SLOW_DOWN, { kind: 'lose-answer' }],
      'begin-parts': [{ kind: 'reset' }, { kind: 'lose-answer' }],
      'put-part': [INTERNAL, { kind: 'reset' }, { kind: 'lose-answer' }, SLOW_DOWN],
      get: [{ kind: 'short-body' }, { kind: 'reset' }],
      'complete-parts': [{ kind: 'complete-fails-late' }, { kind: 'lose-answer' }],
      'delete-many': [{ kind: 'only-say-deleted' }, SLOW_DOWN],
    })
    s3.faults = faults
    const storage = s3Storage(s3.settings)
    const session = testSession(storage)
    const pieces = [MIB, 100, 20 * MIB, 5].map((size) => randomBytes(size))
    for (const piece of pieces) await session.write(piece)
    const key = await session.store(digestOf(Buffer.concat(pieces)))
    expect((await bytesAt(key)).equals(Buffer.concat(pieces))).toBe(true)
    // Pieces that are in a part by now are removed by the way.
    await expect.poll(() => [...s3.objects.keys()], { timeout: 10_000 }).toEqual([key])
  })

  it.each([1, 2, 3])('survives faults everywhere (%i)', async (seed) => {
    s3.faults = randomFaults(seed, 0.15)
    const storage = s3Storage(s3.settings)
    const pieces = [300, 2 * MIB, 9 * MIB, 14 * MIB, 1, MIB].map((size) => randomBytes(size))
    const session = testSession(storage)
    for (const piece of pieces) await session.write(piece)
    const whole = Buffer.concat(pieces)
    const key = await session.store(digestOf(whole))
    expect((await bytesAt(key)).equals(whole)).toBe(true)
    const got: Buffer[] = []
    const write = (chunk: Buffer, _encoding: unknown, done: () => void) => {
      got.push(Buffer.from(chunk))
      done()
    }
    await (await storage.read(key, whole.length)).sendTo(new Writable({ write }))
    expect(Buffer.concat(got).equals(whole)).toBe(true)
  })

  it('says how far it came when there is no room', async () => {
    s3.room = 20 * MIB
    const storage = s3Storage(s3.settings)
    const session = testSession(storage)
    const writer = await session.open()
    const writing = (async () => {
      for (let i = 0; i < 40; i++) await writer.write(Buffer.alloc(MIB))
      await writer.close()
    })()
    await expect(writing).rejects.toThrow(StorageFull)
    await writer.close().catch(() => undefined)
    const kept = JSON.parse(JSON.stringify(writer.progress()))
    expect([8 * MIB, 16 * MIB]).toContain(kept.offset)
    s3.room = 100 * MIB
    session.upload = { path: session.upload.path, ...kept } as StoredUpload
    await session.write(Buffer.alloc(40 * MIB - kept.offset))
    const key = await session.store(digestOf('x'))
    expect(s3.objects.get(key)?.size).toBe(40 * MIB)
  })

  it('says what is refused without its secrets, and does not try for long', async () => {
    s3.keys = { accessKey: 'other', secretKey: 'other' }
    const session = testSession(s3Storage(s3.settings))
    const refused = await session.write(Buffer.from('x')).catch((err: Error) => err)
    expect(refused).toMatchObject({ name: 'StorageAway', code: 'UNAVAILABLE' })
    expect(s3.count('put')).toBe(1)
    await s3.stop()
    await expect(testSession(s3Storage(s3.settings)).write(Buffer.from('x'))).rejects.toThrow('cannot be used')
    s3 = await s3Double()
  })
})

describe('many uploads to S3', () => {
  it('share the memory there is, however slow some are', async () => {
    s3.forgetful = true
    const pool = pagePool(16 * MIB)
    const storage = s3Storage(s3.settings, { pool })
    let most = 0
    const watch = setInterval(() => {
      most = Math.max(most, pool.held * PAGE_BYTES)
    }, 1)
    // Twelve that have begun and say nothing more for now, with more in hand than there is memory.
    const slow = await Promise.all(Array.from({ length: 12 }, () => testSession(storage).open()))
    for (const writer of slow) await writer.write(Buffer.alloc(3 * MIB))
    const fast = Array.from({ length: 8 }, () => testSession(storage))
    await Promise.all(fast.map((session) => session.write(...Array.from({ length: 12 }, () => Buffer.alloc(MIB)))))
    for (const session of fast) expect(session.upload.offset).toBe(12 * MIB)
    for (const writer of slow) {
      await writer.write(Buffer.alloc(5 * MIB))
      await writer.close()
      expect(writer.progress().offset).toBe(8 * MIB)
    }
    clearInterval(watch)
    expect(most).toBeLessThanOrEqual(16 * MIB)
    expect(pool.held).toBe(0)
  }, 60_000)
})

describe('uploads to S3 that press each other for memory', () => {
  it.each([1, 6])(
    'keep their bytes in order (%i MiB for all)',
    async (mib) => {
      const pool = pagePool(mib * MIB)
      const storage = s3Storage(s3.settings, { pool })
      const random = (most: number) => Math.floor(Math.random() * most)
      await Promise.all(
        Array.from({ length: 8 }, async () => {
          const session = testSession(storage)
          const bytes = randomBytes(4 * MIB + random(8 * MIB))
          for (let at = 0; at < bytes.length; ) {
            const writer = await session.open({ isLast: true })
            const end = Math.min(bytes.length, at + random(6 * MIB))
            while (at < end) {
              const size = Math.min(end - at, 1 + random(700_000))
              await writer.write(bytes.subarray(at, at + size))
              at += size
              if (random(5) === 0) await new Promise((resolve) => setTimeout(resolve, random(10)))
            }
            await writer.close()
            session.upload = { path: session.upload.path, ...JSON.parse(JSON.stringify(writer.progress())) }
            expect(session.upload.offset).toBe(at)
          }
          const key = await session.store(digestOf(bytes))
          expect((await bytesAt(key)).equals(bytes)).toBe(true)
        }),
      )
      expect(pool.held).toBe(0)
    },
    60_000,
  )
})

describe('the sweep of a bucket', () => {
  it('removes old pieces and uploads of sessions nobody knows, and no others', async () => {
    const storage = s3Storage(s3.settings)
    const sessions = ['aa-old', 'bb-known', 'cc-young'].map((id) => testSession(storage, id))
    for (const session of sessions) {
      await session.write(randomBytes(10))
      await session.write(randomBytes(10))
      await session.write(randomBytes(6 * MIB))
      await session.write(randomBytes(10))
    }
    const long = new Date(1)
    const isYoung = (name: string) => name.includes('cc-young')
    for (const [name, stored] of s3.objects) if (!isYoung(name)) stored.at = long
    for (const begun of s3.begun.values()) if (!isYoung(begun.key)) begun.at = long
    expect(await storage.discardAbandoned(60_000, async (id) => id === 'bb-known')).toBeGreaterThan(1)
    const left = [...s3.objects.keys()].filter((name) => name.startsWith('uploads/'))
    expect(left.some((name) => name.includes('aa-old'))).toBe(false)
    for (const id of ['bb-known', 'cc-young']) expect(left.some((name) => name.includes(id))).toBe(true)
    expect([...s3.begun.values()].map(({ key }) => key.split('/')[2]).sort()).toEqual(['bb-known', 'cc-young'])
  })
})

const nobody = () => undefined
