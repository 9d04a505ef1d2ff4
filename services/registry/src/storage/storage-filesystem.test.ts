import { mkdtemp, readdir, rm, stat, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { digestOf } from '@berth/oci'
import { Registry } from '@berth/runtime'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { measuredStorage } from './measured-storage.ts'
import { storageContract, testSession } from './storage.contract.ts'
import { StorageFull, storageKeyOf } from './storage.ts'
import { filesystemStorage, writerOf } from './storage-filesystem.ts'

let root: string

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'berth-storage-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

describe('the file system', () => {
  storageContract(() => filesystemStorage(root))

  it('lets nobody else read its files', async () => {
    const storage = await filesystemStorage(root)
    await testSession(storage, 'mode').write()
    expect((await stat(join(root, 'uploads/mode.1'))).mode & 0o777).toBe(0o600)
    expect((await stat(join(root, 'blobs'))).mode & 0o777).toBe(0o700)
  })

  it('discards uploads nobody has written to for long', async () => {
    const storage = await filesystemStorage(root)
    for (const id of ['old', 'known', 'young']) await testSession(storage, id).write()
    for (const id of ['old', 'known']) await utimes(join(root, `uploads/${id}.1`), 1, 1)
    expect(await storage.discardAbandoned(60_000, async (session) => session === 'known')).toBe(1)
    const left = await readdir(join(root, 'uploads'))
    expect(left).toEqual(expect.arrayContaining(['young.1', 'known.1']))
    expect(left).not.toContain('old.1')
  })

  it('sorts names that begin alike as whole names', async () => {
    const storage = await filesystemStorage(root)
    const digest = digestOf('twins')
    const twins = ['a.1', 'a-1', 'a', 'a0'].map((holder) => storageKeyOf(digest, holder))
    for (const key of twins) {
      const session = testSession(storage)
      await storage.store(await session.write(Buffer.from('twin')), key)
    }
    const listed = await storage.list(twins[2]?.slice(0, -2) ?? '', '', 10)
    expect(listed.map(({ name }) => name)).toEqual(twins.toSorted())
  })

  it('says when there is no room, and how far it came', async () => {
    let room = 10
    const write = async (_buffer: Uint8Array, _at: number, length: number) => {
      if (room === 0) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
      const bytesWritten = Math.min(room, length)
      room -= bytesWritten
      return { bytesWritten, buffer: _buffer }
    }
    const writer = writerOf({ write: write as never, close: async () => undefined }, 100)
    await writer.write(Buffer.alloc(6))
    await expect(writer.write(Buffer.alloc(6))).rejects.toThrow(StorageFull)
    expect(writer.progress()).toEqual({ offset: 106, state: null })
  })

  it('says when it cannot be written to', async () => {
    const gone = await mkdtemp(join(tmpdir(), 'berth-storage-'))
    const storage = await filesystemStorage(gone)
    await rm(gone, { recursive: true })
    await expect(storage.probe()).rejects.toThrow('ENOENT')
  })
})

describe('a measured storage', () => {
  const metrics = new Registry()
  storageContract(async () => {
    metrics.clear()
    return measuredStorage(await filesystemStorage(root), metrics)
  })

  it('counts bytes and actions', async () => {
    metrics.clear()
    const storage = measuredStorage(await filesystemStorage(root), metrics)
    await testSession(storage, 'counted').write(Buffer.from('abc'), Buffer.from('de'))
    const text = await metrics.metrics()
    expect(text).toContain('berth_registry_storage_bytes_total{direction="write"} 5')
    expect(text).toContain('registry_storage_action_seconds_count{driver="filesystem",action="open-upload"} 1')
  })
})
