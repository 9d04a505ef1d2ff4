import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rename, rm, rmdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ByteRange } from '@berth/oci'
import { listFiles } from './list-files.ts'
import {
  BytesMissing,
  type Storage,
  type StorageKey,
  type StoredBytes,
  type UploadPath,
  type UploadWriter,
} from './storage.ts'
import { storedFile } from './stored-file.ts'

const SWEEP_BOUND = 1_000
const PLACE = /^(?:uploads|blobs)(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$/

/**
 * Blobs as files below `root`. Several replicas may share it on one host only: a network file system may tell one
 * replica of a rename or a cut later than another.
 */
export async function filesystemStorage(root: string): Promise<Storage> {
  await mkdir(join(root, 'uploads'), { recursive: true, mode: 0o700 })
  await mkdir(join(root, 'blobs'), { recursive: true, mode: 0o700 })
  await syncDirectory(root)

  /** Names come from our own tables; a strange one must not lead out of the root all the same. */
  const fileOf = (name: StorageKey | UploadPath): string => {
    if (!PLACE.test(name)) throw new Error('a storage key outside the grammar')
    return join(root, name)
  }

  return {
    driver: 'filesystem',
    openUpload: async (path, offset) => openWriter(fileOf(path), offset),
    readUpload: (path, length) => openReader(fileOf(path), length),
    store: (path, key, size) => moveDurably(root, fileOf(path), fileOf(key), size),
    discard: (path) => rm(fileOf(path), { force: true }),
    discardAbandoned: (olderThanMs) => discardAbandoned(join(root, 'uploads'), olderThanMs),
    read: (key, size, range) => openReader(fileOf(key), size, range),
    remove: async (keys) => {
      for (const key of keys) await removeFile(fileOf(key))
    },
    list: (prefix, after, limit) => listFiles(root, prefix, after, limit),
    probe: () => probe(join(root, 'uploads', `probe-${randomUUID()}`)),
  }
}

async function openWriter(file: string, offset: number): Promise<UploadWriter> {
  const handle = await opened(file, constants.O_RDWR | (offset === 0 ? constants.O_CREAT : 0))
  try {
    const { size } = await handle.stat()
    if (size < offset) throw new BytesMissing(`an upload holds ${size} bytes instead of ${offset}`)
    if (size > offset) await handle.truncate(offset)
  } catch (err) {
    await handle.close()
    throw err
  }
  let position = offset
  return {
    async write(chunk) {
      // Usually one turn, but a disk that fills up takes a part first.
      for (let written = 0; written < chunk.length; ) {
        const { bytesWritten } = await handle.write(chunk, written, chunk.length - written, position)
        position += bytesWritten
        written += bytesWritten
      }
    },
    close: () => handle.close(),
  }
}

async function openReader(file: string, size: number, range?: ByteRange): Promise<StoredBytes> {
  const handle = await opened(file, constants.O_RDONLY)
  try {
    const found = await handle.stat()
    if (found.size < size) throw new BytesMissing(`a file holds ${found.size} bytes instead of ${size}`)
  } catch (err) {
    await handle.close()
    throw err
  }
  return range === undefined ? storedFile(handle, 0, size) : storedFile(handle, range.start, range.lengthBytes)
}

async function opened(file: string, flags: number): Promise<FileHandle> {
  try {
    return await open(file, flags, 0o600)
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') throw new BytesMissing('no such file', { cause: err })
    throw err
  }
}

async function moveDurably(root: string, from: string, to: string, size: number): Promise<void> {
  const handle = await opened(from, constants.O_RDWR)
  try {
    const found = await handle.stat()
    if (found.size < size) throw new BytesMissing(`an upload holds ${found.size} bytes instead of ${size}`)
    if (found.size > size) await handle.truncate(size)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await renameInto(from, to)
  await Promise.all(directoriesOf(to, root).map(syncDirectory))
}

/** The directory of a blob may be removed by whoever removed another copy of it, just between making and using it. */
async function renameInto(from: string, to: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    await mkdir(dirname(to), { recursive: true, mode: 0o700 })
    try {
      return await rename(from, to)
    } catch (err) {
      if ((err as NodeJS.ErrnoException).code !== 'ENOENT' || attempt === 5) throw err
    }
  }
}

/** The directories between a file and the root: each may be new, made by us or by somebody who has not synced it yet. */
function directoriesOf(file: string, root: string): string[] {
  const directories: string[] = []
  for (let at = dirname(file); at !== root; at = dirname(at)) directories.push(at)
  return directories
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, constants.O_RDONLY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function removeFile(file: string): Promise<void> {
  await rm(file, { force: true })
  // The last copy takes its directory along; one that holds another copy stays.
  await rmdir(dirname(file)).catch((err: NodeJS.ErrnoException) => {
    if (err.code !== 'ENOTEMPTY' && err.code !== 'ENOENT' && err.code !== 'EEXIST') throw err
  })
}

async function discardAbandoned(directory: string, olderThanMs: number): Promise<number> {
  let discarded = 0
  for (const name of await readdir(directory)) {
    const file = join(directory, name)
    const found = await stat(file).catch(() => undefined)
    if (found === undefined || found.mtimeMs > Date.now() - olderThanMs) continue
    await rm(file, { force: true })
    if (++discarded === SWEEP_BOUND) break
  }
  return discarded
}

async function probe(file: string): Promise<void> {
  const handle = await open(file, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600)
  try {
    await handle.write(Buffer.from('probe'), 0, 5, 0)
    const { bytesRead } = await handle.read(Buffer.alloc(5), 0, 5, 0)
    if (bytesRead !== 5) throw new Error('the storage did not give back what it was given')
  } finally {
    await handle.close()
    await rm(file, { force: true })
  }
}
