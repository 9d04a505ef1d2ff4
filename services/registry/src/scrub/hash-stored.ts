import { Writable } from 'node:stream'
import { algorithmOf, createHasher, type Digest, type SupportedAlgorithm } from '@berth/oci'
import { BytesMissing, type Storage, type StorageKey } from '../storage/index.ts'
import type { Pace } from './pace.ts'

/** What a look at stored bytes has found. */
export type Finding = 'good' | 'changed' | 'missing'

/**
 * Reads the bytes of a blob through its digest, no faster than `pace`. What is not good is read a second time before it
 * is said: a read may go wrong as well as what is read.
 *
 * @throws when the storage fails, which says nothing of the bytes
 */
export async function hashStored(
  storage: Storage,
  blob: { digest: string; storage_key: StorageKey; size: number },
  pace: Pace,
): Promise<Finding> {
  const first = await look(storage, blob, pace)
  if (first === 'good') return first
  // A disk that is not mounted misses everything, and is not corrupt.
  if (first === 'missing') await storage.probe()
  return look(storage, blob, pace)
}

async function look(
  storage: Storage,
  { digest, storage_key: key, size }: { digest: string; storage_key: StorageKey; size: number },
  pace: Pace,
): Promise<Finding> {
  const hasher = createHasher(algorithmOf(digest as Digest) as SupportedAlgorithm)
  const take = async (chunk: Buffer) => {
    hasher.update(chunk)
    await pace.spend(chunk.length)
  }
  const into = new Writable({ write: (chunk: Buffer, _encoding, done) => void take(chunk).then(() => done(), done) })
  try {
    const stored = await storage.read(key, size)
    await stored.sendTo(into)
  } catch (err) {
    if (err instanceof BytesMissing) return 'missing'
    throw err
  }
  return hasher.digest() === digest ? 'good' : 'changed'
}
