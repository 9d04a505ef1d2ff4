import { randomUUID } from 'node:crypto'
import { closeSync, constants, fstatSync, fsync, openSync } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rename, rm, rmdir, stat, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { Unavailable } from '@berth/errors'
import type { ByteRange } from '@berth/oci'
import { listFiles } from './list-files.ts'
import { salvageFile } from './salvage-file.ts'
import {
  BytesMissing,
  requirePlace,
  type Storage,
  StorageFull,
  type StorageKey,
  type StoredBytes,
  storageKeyOf,
  type UploadPath,
  type UploadWriter,
  uploadPathOf,
  type Volume,
} from './storage.ts'
import { storedFile } from './stored-file.ts'

const SWEEP_BOUND = 1_000
const fsyncOf = promisify(fsync)

/**
 * Blobs as files below `root`. Several replicas may share it on one host only: a network file system may tell one
 * replica of a rename or a cut later than another.
 */
export async function filesystemStorage(root: string): Promise<Storage> {
  await mkdir(join(root, 'uploads'), { recursive: true, mode: 0o700 })
  await mkdir(join(root, 'blobs'), { recursive: true, mode: 0o700 })
  await syncDirectory(root)

  const fileOf = (name: StorageKey | UploadPath): string => {
    requirePlace(name)
    return join(root, name)
  }

  const place: Place = { root, settled: new Set() }
  const openUpload: Storage['openUpload'] = async ({ path, offset }) => openWriter(fileOf(path), offset)
  return {
    driver: 'filesystem',
    sharesKeys: false,
    openUpload,
    salvage: async (upload, { holder, sealedKey, take }) => {
      const into = { path: uploadPathOf(holder), offset: upload.offset, state: null }
      if (upload.offset > 0) {
        const files = [upload.path, sealedKey].filter((name) => name !== null).map(fileOf)
        const writer = await openWriter(fileOf(into.path), 0)
        await salvageFile(await openFirst(files, upload.offset), writer, take).finally(() => writer.close())
      }
      return { upload: into, passed: true }
    },
    keyFor: (_upload, digest, holder) => storageKeyOf(digest, holder),
    store: ({ path, offset }, key) => whileRoom(() => moveDurably(place, fileOf(path), fileOf(key), offset)),
    keysOf: () => [],
    discard: ({ path }) => rm(fileOf(path), { force: true }),
    tidy: ({ path }) => rm(fileOf(path), { force: true }),
    discardAbandoned: (olderThanMs, isKnown) => discardAbandoned(join(root, 'uploads'), olderThanMs, isKnown),
    read: (key, size, range) =>
      openReader(fileOf(key), size, range).catch(async (err) => {
        if (err instanceof BytesMissing) await requireAdopted(root, key)
        throw err
      }),
    urlOf: async () => undefined,
    remove: async (keys) => {
      for (const key of keys) await removeFile(root, fileOf(key))
    },
    list: (prefix, after, limit) => listFiles(root, prefix, after, limit),
    volumes: async () => [await volumeOf(root)],
    probe: () => probe(join(root, 'uploads', `probe-${randomUUID()}`)),
  }
}

/** UNAVAILABLE (503): a directory that was taken over is not where it was, say because its disk is not mounted. */
class AdoptedAway extends Unavailable {
  override name = 'AdoptedAway'

  constructor(cause: unknown) {
    super('a storage that was taken over cannot be reached', { cause })
  }
}

/** @throws {AdoptedAway} the key is in a directory that was taken over and is away: nothing can be said of its files */
async function requireAdopted(root: string, key: StorageKey): Promise<void> {
  const [top, id = ''] = key.split('/', 2)
  if (top !== 'adopted') return
  await stat(join(root, top, id, 'blobs')).catch((err) => {
    throw new AdoptedAway(err)
  })
}

/** @throws {StorageFull} the disk is, or what we may have of it */
async function whileRoom<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (err) {
    const { code } = err as NodeJS.ErrnoException
    if (code === 'ENOSPC' || code === 'EDQUOT') throw new StorageFull(err)
    throw err
  }
}

async function openWriter(file: string, offset: number): Promise<UploadWriter> {
  const handle = await whileRoom(() => opened(file, constants.O_RDWR | (offset === 0 ? constants.O_CREAT : 0)))
  try {
    const { size } = fstatSync(handle.fd)
    if (size < offset) throw new BytesMissing(`an upload holds ${size} bytes instead of ${offset}`)
    if (size > offset) await handle.truncate(offset)
  } catch (err) {
    await handle.close()
    throw err
  }
  return writerOf(handle, offset)
}

/** Exported for tests, where the disk has less room than a machine would give. */
export function writerOf(handle: Pick<FileHandle, 'write' | 'close'>, offset: number): UploadWriter {
  let kept = offset
  return {
    async write(chunk) {
      // Usually one turn, but a disk that fills up takes a part first.
      for (let written = 0; written < chunk.length; ) {
        const rest = chunk.length - written
        const { bytesWritten } = await whileRoom(() => handle.write(chunk, written, rest, kept + written))
        written += bytesWritten
      }
      kept += chunk.length
    },
    progress: () => ({ offset: kept, state: null }),
    close: () => handle.close(),
  }
}

/** The first of these files that is there. */
async function openFirst(files: readonly string[], size: number): Promise<StoredBytes> {
  const [file = '', ...others] = files
  try {
    return await openReader(file, size)
  } catch (err) {
    if (!(err instanceof BytesMissing) || others.length === 0) throw err
    return openFirst(others, size)
  }
}

async function openReader(file: string, size: number, range?: ByteRange): Promise<StoredBytes> {
  const handle = await opened(file, constants.O_RDONLY)
  try {
    const found = fstatSync(handle.fd)
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

/**
 * Moves an upload to its key. Bytes, name and directories are all on the disk when it resolves, not before; a crash in
 * the middle leaves at the key what nobody counts on yet.
 */
async function moveDurably(place: Place, from: string, to: string, size: number): Promise<void> {
  const handle = await opened(from, constants.O_RDWR | (size === 0 ? constants.O_CREAT : 0))
  try {
    const found = fstatSync(handle.fd)
    if (found.size < size) throw new BytesMissing(`an upload holds ${found.size} bytes instead of ${size}`)
    if (found.size > size) await handle.truncate(size)
    await renameInto(from, to)
    await Promise.all([handle.sync(), settleName(place, to)])
  } finally {
    await handle.close()
  }
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

interface Place {
  root: string
  /** Directories whose own names are known to be on the disk. Nothing ever removes those. */
  settled: Set<string>
}

/**
 * Makes the name of a file last, and those of the directories it is in: each may be new, made by us or by somebody who
 * has not synced it yet. The file's own directory goes with its last copy, so its name is never taken for settled.
 */
async function settleName({ root, settled }: Place, file: string): Promise<void> {
  const own = dirname(file)
  const unsettled = [own]
  for (let at = dirname(own); own !== root; at = dirname(at)) {
    unsettled.push(at)
    if (at === root || settled.has(at)) break
  }
  await Promise.all(unsettled.map(syncDirectory))
  for (const directory of unsettled) if (directory !== own) settled.add(directory)
}

/** Opening a directory asks the disk for nothing; waiting for it is the work. */
async function syncDirectory(directory: string): Promise<void> {
  const fd = openSync(directory, constants.O_RDONLY)
  try {
    await fsyncOf(fd)
  } finally {
    closeSync(fd)
  }
}

async function removeFile(root: string, file: string): Promise<void> {
  await rm(file, { force: true })
  if (dirname(dirname(file)) === root) return
  // The last copy takes its directory along; one that holds another copy stays.
  await rmdir(dirname(file)).catch((err: NodeJS.ErrnoException) => {
    if (err.code !== 'ENOTEMPTY' && err.code !== 'ENOENT' && err.code !== 'EEXIST') throw err
  })
}

async function discardAbandoned(
  directory: string,
  olderThanMs: number,
  isKnown: (session: string) => Promise<boolean>,
): Promise<number> {
  let discarded = 0
  for (const name of await readdir(directory)) {
    const file = join(directory, name)
    const found = await stat(file).catch(() => undefined)
    if (found === undefined || found.mtimeMs > Date.now() - olderThanMs) continue
    if (await isKnown(name.split('.')[0] ?? '')) continue
    await rm(file, { force: true })
    if (++discarded === SWEEP_BOUND) break
  }
  return discarded
}

async function volumeOf(root: string): Promise<Volume> {
  const { bsize, blocks, bavail } = await statfs(root)
  return { totalBytes: bsize * blocks, freeBytes: bsize * bavail }
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
