import { Writable } from 'node:stream'
import { createHasher, type Hasher, type SupportedAlgorithm } from '@berth/oci'
import { BytesMissing, type Storage, type StorageKey, type UploadPath, uploadPathOf } from '../storage/index.ts'
import type { HeldUpload } from './held-upload.ts'

/** Reads the bytes of an upload once through a digest. @throws {BytesMissing} */
export async function hashUpload(
  storage: Storage,
  path: UploadPath,
  length: number,
  algorithm: SupportedAlgorithm,
): Promise<Hasher> {
  const hasher = createHasher(algorithm)
  if (length === 0) return hasher
  const stored = await storage.readUpload(path, length)
  await stored.sendTo(sinkOf((chunk) => hasher.update(chunk)))
  return hasher
}

/**
 * Takes over bytes whose last writer never said that it was done. It may be frozen with a write under way, so its file
 * is left to it and the recorded part copied to one of our own, through the digest.
 *
 * @throws {BytesMissing} the recorded bytes are not there
 */
export async function salvage(
  storage: Storage,
  held: HeldUpload,
  algorithm: SupportedAlgorithm,
  sealedKey: StorageKey | null,
): Promise<void> {
  const { id, generation, offset, path: abandoned } = held
  const path = uploadPathOf(`${id}.${generation}`)
  const hasher = createHasher(algorithm)
  if (offset > 0) {
    const writer = await storage.openUpload(path, 0)
    try {
      const source = await openAbandoned(storage, abandoned, offset, sealedKey)
      await source.sendTo(
        sinkOf(async (chunk) => {
          held.require()
          hasher.update(chunk)
          await writer.write(chunk)
        }),
      )
    } finally {
      await writer.close()
    }
  }
  held.path = path
  held.hasher = hasher
  await held.renew()
  await storage.discard(abandoned)
}

async function openAbandoned(storage: Storage, path: UploadPath, length: number, sealedKey: StorageKey | null) {
  try {
    return await storage.readUpload(path, length)
  } catch (err) {
    if (!(err instanceof BytesMissing) || sealedKey === null) throw err
    return storage.read(sealedKey, length)
  }
}

function sinkOf(take: (chunk: Buffer) => void | Promise<void>): Writable {
  const write = async (chunk: Buffer) => take(chunk)
  return new Writable({ write: (chunk: Buffer, _encoding, done) => void write(chunk).then(() => done(), done) })
}
