import { mkdtemp, readdir, rm, stat, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Registry } from '@berth/runtime'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { measuredStorage } from './measured-storage.ts'
import { storageContract } from './storage.contract.ts'
import { uploadPathOf } from './storage.ts'
import { filesystemStorage } from './storage-filesystem.ts'

let root: string

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'berth-storage-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

describe('the file system', () => {
  storageContract(() => filesystemStorage(root))

  it('lets nobody else read its files', async () => {
    const storage = await filesystemStorage(root)
    await (await storage.openUpload(uploadPathOf('mode.1'), 0)).close()
    expect((await stat(join(root, 'uploads/mode.1'))).mode & 0o777).toBe(0o600)
    expect((await stat(join(root, 'blobs'))).mode & 0o777).toBe(0o700)
  })

  it('discards uploads nobody has written to for long', async () => {
    const storage = await filesystemStorage(root)
    for (const name of ['old.1', 'young.1']) await (await storage.openUpload(uploadPathOf(name), 0)).close()
    await utimes(join(root, 'uploads/old.1'), 1, 1)
    expect(await storage.discardAbandoned(60_000)).toBe(1)
    const left = await readdir(join(root, 'uploads'))
    expect(left).toContain('young.1')
    expect(left).not.toContain('old.1')
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
    const writer = await storage.openUpload(uploadPathOf('counted.1'), 0)
    for (const text of ['abc', 'de']) await writer.write(Buffer.from(text))
    await writer.close()
    const text = await metrics.metrics()
    expect(text).toContain('berth_registry_storage_bytes_total{direction="write"} 5')
    expect(text).toContain('registry_storage_action_seconds_count{driver="filesystem",action="open-upload"} 1')
  })
})
