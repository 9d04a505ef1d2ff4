import { randomBytes, randomUUID } from 'node:crypto'
import { Writable } from 'node:stream'
import { type Digest, digestOf } from '@berth/oci'
import { expect, it } from 'vitest'
import {
  BytesMissing,
  type Progress,
  type Storage,
  type StorageKey,
  type StoredBytes,
  type StoredUpload,
  storageKeyOf,
  type UploadPath,
  type UploadWriter,
  uploadPathOf,
} from './storage.ts'

/** All of it, copied as it comes: the memory is used again. */
async function buffer(stored: StoredBytes): Promise<Buffer> {
  const chunks: Buffer[] = []
  const write = (chunk: Buffer, _encoding: unknown, done: () => void) => {
    chunks.push(Buffer.from(chunk))
    setImmediate(done)
  }
  await stored.sendTo(new Writable({ write }))
  return Buffer.concat(chunks)
}

/** A session as its row would have it: every writer is of a generation of its own. */
export function testSession(storage: Storage, id: string = randomUUID()) {
  let generation = 1
  const session = {
    id,
    upload: { path: uploadPathOf(`${id}.1`), offset: 0, state: null } as StoredUpload,
    /** What was recorded before the writer was closed. */
    recorded: undefined as Progress | undefined,
    async open({ isLast = false } = {}): Promise<UploadWriter> {
      generation++
      const writer = await storage.openUpload(session.upload, {
        holder: `${id}.${generation}`,
        isLast,
        guard: () => undefined,
        record: async () => {
          session.recorded = throughJson(writer.progress())
        },
      })
      return writer
    },
    async write(...chunks: Uint8Array[]): Promise<StoredUpload> {
      const writer = await session.open()
      for (const chunk of chunks) await writer.write(chunk)
      await writer.close()
      session.upload = { path: session.upload.path, ...throughJson(writer.progress()) }
      return session.upload
    },
    async store(digest: Digest): Promise<StorageKey> {
      generation++
      const key = storage.keyFor(session.upload, digest, `${id}.${generation}`)
      await storage.store(session.upload, key)
      await storage.tidy(session.upload, key)
      await storage.remove(storage.keysOf(session.upload).filter((one) => one !== key))
      return key
    },
  }
  return session
}

/** As a table gives it back. */
function throughJson(progress: Progress): Progress {
  return JSON.parse(JSON.stringify(progress))
}

/** What every driver promises; called by the test of each. */
export function storageContract(open: () => Promise<Storage>): void {
  const newKey = () => storageKeyOf(`sha256:${randomBytes(32).toString('hex')}` as Digest, `${randomUUID()}.1`)
  const anyDigest = () => digestOf(randomBytes(16))

  async function stored(storage: Storage, ...chunks: Uint8Array[]): Promise<StorageKey> {
    const session = testSession(storage)
    await session.write(...chunks)
    return session.store(digestOf(Buffer.concat(chunks)))
  }
  const readAll = async (storage: Storage, key: StorageKey, size: number, start?: number, end?: number) =>
    buffer(
      await storage.read(
        key,
        size,
        start === undefined || end === undefined ? undefined : { start, end, lengthBytes: end - start + 1 },
      ),
    )

  /** What has become one object already is not looked for when it is stored. */
  const storeAndRead = async (storage: Storage, session: ReturnType<typeof testSession>) =>
    storage.read(await session.store(anyDigest()), session.upload.offset)

  it('gives back what it was given, whole and in part', async () => {
    const storage = await open()
    const bytes = randomBytes(3_000_000)
    const session = testSession(storage)
    expect((await session.write(bytes.subarray(0, 10), bytes.subarray(10, 1_000_000))).offset).toBe(1_000_000)
    expect((await session.write(bytes.subarray(1_000_000))).offset).toBe(3_000_000)
    const key = await session.store(digestOf(bytes))
    expect(await readAll(storage, key, bytes.length)).toEqual(bytes)
    expect(await readAll(storage, key, bytes.length, 5, 1_999_999)).toEqual(bytes.subarray(5, 2_000_000))
    expect(await readAll(storage, key, bytes.length, 2_999_999, 2_999_999)).toEqual(bytes.subarray(2_999_999))
  })

  it('puts together what came in large and small pieces', async () => {
    const storage = await open()
    const sizes = [100, 6_000_000, 3, 0, 14_000_000, 2_000_000, 4_000_000, 1, 1_000_000]
    const bytes = randomBytes(sizes.reduce((sum, size) => sum + size, 0))
    const session = testSession(storage)
    let at = 0
    for (const size of sizes) {
      expect((await session.write(bytes.subarray(at, at + size))).offset).toBe(at + size)
      at += size
    }
    const key = await session.store(digestOf(bytes))
    expect((await readAll(storage, key, bytes.length)).equals(bytes)).toBe(true)
  })

  it('keeps an empty blob', async () => {
    const storage = await open()
    const written = testSession(storage)
    await written.write()
    for (const session of [written, testSession(storage)]) {
      const key = await session.store(digestOf(''))
      expect(await readAll(storage, key, 0)).toEqual(Buffer.alloc(0))
    }
  })

  it('goes back to where it was before a piece', async () => {
    const storage = await open()
    for (const [first, unwanted, last] of [
      [3, 5, 2],
      [6_000_000, 7_000_000, 1_000_000],
      [100_000, 9_000_000, 5],
    ] as const) {
      const session = testSession(storage)
      const [head, tail] = [randomBytes(first), randomBytes(last)]
      const before = await session.write(head)
      await session.write(randomBytes(unwanted))
      session.upload = before
      await session.write(tail)
      const key = await session.store(anyDigest())
      expect((await readAll(storage, key, first + last)).equals(Buffer.concat([head, tail]))).toBe(true)
    }
  })

  it('goes on from what was recorded of a writer that vanished, and is not disturbed when that one comes back', async () => {
    const storage = await open()
    const bytes = randomBytes(24_000_000)
    const session = testSession(storage)
    const vanished = await session.open()
    await vanished.write(bytes.subarray(0, 20_000_000))
    const upload = { path: session.upload.path, ...throughJson(vanished.progress()) }
    const passed: Uint8Array[] = []
    const salvaged = await storage.salvage(upload, {
      holder: `${session.id}.7`,
      sealedKey: null,
      take: (chunk) => passed.push(Buffer.from(chunk)),
    })
    expect(salvaged.upload.offset).toBe(upload.offset)
    if (salvaged.passed) expect(Buffer.concat(passed).equals(bytes.subarray(0, upload.offset))).toBe(true)
    session.upload = salvaged.upload
    const next = await storage.openUpload(salvaged.upload, {
      holder: `${session.id}.7`,
      isLast: true,
      guard: () => undefined,
      record: async () => undefined,
    })
    await vanished.write(randomBytes(3_000_000))
    await vanished.close().catch(() => undefined)
    await next.write(bytes.subarray(upload.offset))
    await next.close()
    session.upload = { path: session.upload.path, ...throughJson(next.progress()) }
    const key = await session.store(digestOf(bytes))
    expect((await readAll(storage, key, bytes.length)).equals(bytes)).toBe(true)
  })

  it('says what is missing', async () => {
    const storage = await open()
    await expect(storage.read(newKey(), 1)).rejects.toThrow(BytesMissing)
    await expect(storage.read(newKey(), 0)).rejects.toThrow(BytesMissing)
    const key = await stored(storage, Buffer.from('abc'))
    await expect(storage.read(key, 4)).rejects.toThrow(BytesMissing)
    const session = testSession(storage)
    await session.write(Buffer.from('abc'))
    await storage.discard(session.upload)
    await storage.remove(storage.keysOf(session.upload))
    await expect(storeAndRead(storage, session)).rejects.toThrow(BytesMissing)
  })

  it('removes and discards, also what is gone already, and nothing else', async () => {
    const storage = await open()
    const [first, second] = [await stored(storage, Buffer.from('abc')), await stored(storage, Buffer.from('abc'))]
    await storage.remove([first, newKey()])
    await storage.remove([first])
    await expect(storage.read(first, 3)).rejects.toThrow(BytesMissing)
    expect((await readAll(storage, second, 3)).toString()).toBe('abc')
    for (const sizes of [[3], [3, 4], [6_000_000, 3]]) {
      const session = testSession(storage)
      for (const size of sizes) await session.write(randomBytes(size))
      for (let twice = 0; twice < 2; twice++) {
        await storage.discard(session.upload)
        await storage.remove(storage.keysOf(session.upload))
      }
      await expect(storeAndRead(storage, session)).rejects.toThrow(BytesMissing)
      for (const place of ['uploads/', 'blobs/']) {
        const listed = await storage.list(place, '', 100_000)
        expect(listed.filter(({ name }) => name.includes(session.id))).toEqual([])
      }
    }
  })

  it('goes on giving a reader what is removed under it', async () => {
    const storage = await open()
    const bytes = randomBytes(2_000_000)
    const key = await stored(storage, bytes)
    const stream = await storage.read(key, bytes.length)
    await storage.remove([key])
    expect(await buffer(stream)).toEqual(bytes)
  })

  it('stops when nobody reads any more', async () => {
    const storage = await open()
    const bytes = randomBytes(2_000_000)
    const key = await stored(storage, bytes)
    const stuck = new Writable({ write: () => undefined })
    const sending = (await storage.read(key, bytes.length)).sendTo(stuck)
    setTimeout(() => stuck.destroy(), 20)
    await expect(sending).rejects.toThrow()
    const failing = new Writable({ write: (_chunk, _encoding, done) => done(new Error('full')) })
    await expect((await storage.read(key, bytes.length)).sendTo(failing)).rejects.toThrow('full')
    const closed = new Writable({ write: (_chunk, _encoding, done) => done() }).destroy()
    await expect((await storage.read(key, bytes.length)).sendTo(closed)).rejects.toThrow()
    await (await storage.read(key, bytes.length)).close()
  })

  it('stores many copies of one blob while others are removed', async () => {
    const storage = await open()
    const digest = anyDigest()
    await Promise.all(
      Array.from({ length: 24 }, async (_, i) => {
        const session = testSession(storage)
        await session.write(Buffer.from(`copy ${i}`))
        const key = await session.store(digest)
        expect((await readAll(storage, key, `copy ${i}`.length)).toString()).toBe(`copy ${i}`)
        if (i % 4 !== 0) await storage.remove([key])
      }),
    )
  })

  it('does not lead out of its own place', async () => {
    const storage = await open()
    for (const strange of [
      '../etc/passwd',
      'blobs/../../x',
      '/etc/passwd',
      'blobs//x',
      'uploads/.x',
      'uploads/a\0b',
      '',
      'blobs',
    ]) {
      const name = strange as StorageKey & UploadPath
      const upload = { path: name, offset: 0, state: null }
      const options = { holder: 'x.1', isLast: false, guard: () => undefined, record: async () => undefined }
      const attempts = [
        () => storage.read(name, 1),
        () => storage.remove([name]),
        () => storage.openUpload(upload, options),
        () => storage.discard(upload),
        () => storage.store({ ...upload, path: uploadPathOf('x.1') }, name),
      ]
      for (const attempt of attempts) await expect((async () => attempt())()).rejects.toThrow('outside the grammar')
    }
  })

  it('lists what it holds by name, page by page, and nothing else', async () => {
    const storage = await open()
    const sizes = new Map<string, number>()
    for (let i = 0; i < 9; i++) sizes.set(await stored(storage, Buffer.alloc(10 + i)), 10 + i)
    const listed: string[] = []
    for (let after = ''; ; ) {
      const page = await storage.list('blobs/', after, 4)
      for (const { name, size, modifiedAt } of page) {
        listed.push(name)
        if (sizes.has(name)) expect(size).toBe(sizes.get(name))
        expect(Math.abs(Date.now() - modifiedAt.getTime())).toBeLessThan(600_000)
      }
      if (page.length < 4) break
      after = page.at(-1)?.name ?? ''
    }
    expect(listed.filter((name) => sizes.has(name))).toEqual([...sizes.keys()].sort())
    expect(listed).toEqual(listed.toSorted())
    const [key = ''] = sizes.keys()
    expect((await storage.list(key, '', 10)).map(({ name }) => name)).toEqual([key])
    await storage.remove([key as StorageKey])
    expect(await storage.list(key, '', 10)).toEqual([])
  })

  it('tells how much room there is, where that has an end', async () => {
    const storage = await open()
    const volumes = await storage.volumes()
    expect(volumes).toHaveLength(storage.driver === 'filesystem' ? 1 : 0)
    for (const { totalBytes, freeBytes } of volumes) {
      expect(Number.isSafeInteger(totalBytes) && totalBytes > 0).toBe(true)
      expect(freeBytes).toBeLessThanOrEqual(totalBytes)
    }
  })

  it('can be probed', async () => {
    const storage = await open()
    await expect(storage.probe()).resolves.toBeUndefined()
  })
}
