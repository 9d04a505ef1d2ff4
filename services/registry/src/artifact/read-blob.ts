import { Writable } from 'node:stream'
import { algorithmOf, type Digest, digestOf, type SupportedAlgorithm } from '@berth/oci'
import { BytesMissing, type Storage, type StorageKey } from '../storage/index.ts'

export interface BlobPlace {
  digest: Digest
  size: number
  storage_key: StorageKey
}

/** A small blob, whole and checked; `undefined` when it is not there or is not what its digest says. */
export async function readSmallBlob(storage: Storage, blob: BlobPlace): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  const gather = new Writable({
    write(chunk: Buffer, _encoding, done) {
      // The memory is used again once this is called back.
      chunks.push(Buffer.from(chunk))
      done()
    },
  })
  try {
    const stored = await storage.read(blob.storage_key, blob.size)
    await stored.sendTo(gather)
  } catch (err) {
    if (err instanceof BytesMissing) return undefined
    throw err
  }
  const bytes = Buffer.concat(chunks)
  return digestOf(bytes, algorithmOf(blob.digest) as SupportedAlgorithm) === blob.digest ? bytes : undefined
}
