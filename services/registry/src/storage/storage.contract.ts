import { randomBytes, randomUUID } from 'node:crypto'
import { Writable } from 'node:stream'
import { expect, it } from 'vitest'
import {
  BytesMissing,
  type Storage,
  type StorageKey,
  type StoredBytes,
  storageKeyOf,
  type UploadPath,
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

/** What every driver promises; called by the test of each. */
export function storageContract(open: () => Promise<Storage>): void {
  const newPath = () => uploadPathOf(`${randomUUID()}.1`)
  const newKey = () => storageKeyOf(`sha256:${randomBytes(32).toString('hex')}` as never, `${randomUUID()}.1`)

  async function write(storage: Storage, path: UploadPath, offset: number, ...chunks: Uint8Array[]): Promise<void> {
    const writer = await storage.openUpload(path, offset)
    for (const chunk of chunks) await writer.write(chunk)
    await writer.close()
  }
  const readAll = async (storage: Storage, key: StorageKey, size: number, start?: number, end?: number) =>
    buffer(
      await storage.read(
        key,
        size,
        start === undefined || end === undefined ? undefined : { start, end, lengthBytes: end - start + 1 },
      ),
    )

  it('gives back what it was given, whole and in part', async () => {
    const storage = await open()
    const [path, key, bytes] = [newPath(), newKey(), randomBytes(3_000_000)]
    await write(storage, path, 0, bytes.subarray(0, 10), bytes.subarray(10, 1_000_000))
    await write(storage, path, 1_000_000, bytes.subarray(1_000_000))
    expect(await buffer(await storage.readUpload(path, 1_500_000))).toEqual(bytes.subarray(0, 1_500_000))
    await storage.store(path, key, bytes.length)
    expect(await readAll(storage, key, bytes.length)).toEqual(bytes)
    expect(await readAll(storage, key, bytes.length, 5, 1_999_999)).toEqual(bytes.subarray(5, 2_000_000))
    expect(await readAll(storage, key, bytes.length, 2_999_999, 2_999_999)).toEqual(bytes.subarray(2_999_999))
  })

  it('keeps an empty blob', async () => {
    const storage = await open()
    const [path, key] = [newPath(), newKey()]
    await write(storage, path, 0)
    await storage.store(path, key, 0)
    expect(await readAll(storage, key, 0)).toEqual(Buffer.alloc(0))
  })

  it('cuts an upload to where it is opened', async () => {
    const storage = await open()
    const [path, key] = [newPath(), newKey()]
    await write(storage, path, 0, Buffer.from('abcdefgh'))
    await write(storage, path, 3, Buffer.from('XY'))
    expect((await buffer(await storage.readUpload(path, 5))).toString()).toBe('abcXY')
    await expect(storage.readUpload(path, 6)).rejects.toThrow(BytesMissing)
    await storage.store(path, key, 4)
    expect((await readAll(storage, key, 4)).toString()).toBe('abcX')
  })

  it('says what is missing', async () => {
    const storage = await open()
    const path = newPath()
    await expect(storage.openUpload(path, 1)).rejects.toThrow(BytesMissing)
    await expect(storage.readUpload(path, 0)).rejects.toThrow(BytesMissing)
    await expect(storage.read(newKey(), 1)).rejects.toThrow(BytesMissing)
    await expect(storage.store(path, newKey(), 0)).rejects.toThrow(BytesMissing)
    await write(storage, path, 0, Buffer.from('abc'))
    await expect(storage.openUpload(path, 4)).rejects.toThrow(BytesMissing)
    await expect(storage.store(path, newKey(), 4)).rejects.toThrow(BytesMissing)
  })

  it('removes and discards, also what is gone already, and nothing else', async () => {
    const storage = await open()
    const [first, second] = [newKey(), newPath()]
    const twin = `${first.slice(0, first.lastIndexOf('/'))}/${randomUUID()}.1` as StorageKey
    for (const key of [first, twin]) {
      const path = newPath()
      await write(storage, path, 0, Buffer.from('abc'))
      await storage.store(path, key, 3)
    }
    await storage.remove([first, newKey()])
    await storage.remove([first])
    await expect(storage.read(first, 3)).rejects.toThrow(BytesMissing)
    expect((await readAll(storage, twin, 3)).toString()).toBe('abc')
    await write(storage, second, 0, Buffer.from('abc'))
    await storage.discard(second)
    await storage.discard(second)
    await expect(storage.readUpload(second, 0)).rejects.toThrow(BytesMissing)
  })

  it('goes on giving a reader what is removed under it', async () => {
    const storage = await open()
    const [path, key, bytes] = [newPath(), newKey(), randomBytes(2_000_000)]
    await write(storage, path, 0, bytes)
    await storage.store(path, key, bytes.length)
    const stream = await storage.read(key, bytes.length)
    await storage.remove([key])
    expect(await buffer(stream)).toEqual(bytes)
  })

  it('stops when nobody reads any more', async () => {
    const storage = await open()
    const [path, key, bytes] = [newPath(), newKey(), randomBytes(2_000_000)]
    await write(storage, path, 0, bytes)
    await storage.store(path, key, bytes.length)
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
    const digest = `sha256:${randomBytes(32).toString('hex')}` as never
    await Promise.all(
      Array.from({ length: 24 }, async (_, i) => {
        const [path, key] = [newPath(), storageKeyOf(digest, `${randomUUID()}.1`)]
        await write(storage, path, 0, Buffer.from(`copy ${i}`))
        await storage.store(path, key, `copy ${i}`.length)
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
      const attempts = [
        () => storage.read(name, 1),
        () => storage.remove([name]),
        () => storage.openUpload(name, 0),
        () => storage.discard(name),
        () => storage.readUpload(name, 1),
      ]
      for (const attempt of attempts) await expect((async () => attempt())()).rejects.toThrow('outside the grammar')
    }
  })

  it('lists what it holds by name, page by page, and nothing else', async () => {
    const storage = await open()
    const keys: string[] = []
    const sizes = new Map<string, number>()
    for (let i = 0; i < 7; i++) {
      const [path, key] = [newPath(), newKey()]
      await write(storage, path, 0, Buffer.alloc(10 + i))
      await storage.store(path, key, 10 + i)
      keys.push(key)
      sizes.set(key, 10 + i)
    }
    // Two copies of one blob, and a name that sorts between a directory and what is in it.
    const [a, b] = [newPath(), newPath()]
    const twins = [`${keys[0]}.twin`, `${keys[0]}-twin`] as StorageKey[]
    for (const [i, path] of [a, b].entries()) {
      await write(storage, path, 0, Buffer.from('twin'))
      await storage.store(path, twins[i] as StorageKey, 4)
      sizes.set(twins[i] as string, 4)
    }
    const listed: string[] = []
    for (let after = ''; ; ) {
      const page = await storage.list('blobs/', after, 4)
      for (const { name, size, modifiedAt } of page) {
        listed.push(name)
        expect(size).toBe(sizes.get(name) ?? size)
        expect(Math.abs(Date.now() - modifiedAt.getTime())).toBeLessThan(600_000)
      }
      if (page.length < 4) break
      after = page.at(-1)?.name ?? ''
    }
    expect(listed.filter((name) => sizes.has(name))).toEqual([...sizes.keys()].sort())
    expect(listed).toEqual(listed.toSorted())
    expect((await storage.list(keys[3] as string, '', 10)).map(({ name }) => name)).toEqual([keys[3]])
    await storage.remove([keys[3] as StorageKey])
    expect(await storage.list(keys[3] as string, '', 10)).toEqual([])
  })

  it('can be probed', async () => {
    const storage = await open()
    await expect(storage.probe()).resolves.toBeUndefined()
  })
}
