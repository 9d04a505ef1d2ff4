import { Writable } from 'node:stream'
import { createHasher, type SupportedAlgorithm } from '@berth/oci'
import { holderOf, type Storage, type StorageKey, type StoredBytes } from '../storage/index.ts'
import type { HeldUpload } from './held-upload.ts'

/** Reads bytes once through a digest. */
export async function digestOfStored(stored: StoredBytes, algorithm: SupportedAlgorithm): Promise<string> {
  const hasher = createHasher(algorithm)
  const write = (chunk: Buffer, _encoding: unknown, done: () => void) => {
    hasher.update(chunk)
    // Never in the same turn: whoever sends would not come to anything else.
    setImmediate(done)
  }
  await stored.sendTo(new Writable({ write }))
  return hasher.digest()
}

/**
 * Takes over an upload whose last writer never said that it was done and may be frozen with a write under way. Its
 * bytes go through the digest where the storage has to touch them; where it need not, they are read when the upload is
 * whole.
 *
 * @throws {BytesMissing} the recorded bytes are not there
 */
export async function salvage(
  storage: Storage,
  held: HeldUpload,
  algorithm: SupportedAlgorithm,
  sealedKey: StorageKey | null,
): Promise<void> {
  const abandoned = held.upload
  const hasher = createHasher(algorithm)
  const take = (chunk: Uint8Array) => {
    held.require()
    hasher.update(chunk)
  }
  const { upload, passed } = await storage.salvage(abandoned, { holder: holderOf(held), sealedKey, take })
  held.resume(upload, passed || upload.offset === 0 ? hasher : undefined)
  await held.renew()
  if (upload.path !== abandoned.path) await storage.discard(abandoned)
}
