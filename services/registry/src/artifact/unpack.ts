import { PassThrough, type Readable, type Transform, type Writable } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { DomainError, NotFound } from '@berth/errors'
import { type Extract, extract } from 'tar-stream'
import type { StoredBytes } from '../storage/index.ts'

/** What is looked through of an archive, unpacked; whoever packs more into it has hidden it. */
const MAX_UNPACKED_BYTES = 32 * 1024 * 1024
const MAX_ENTRIES = 10_000

/** REQUEST_ENTITY_TOO_LARGE (413): longer than an answer may be, or behind more than is looked through. */
export class AdditionTooLarge extends DomainError {
  override name = 'AdditionTooLarge'
  readonly code = 'REQUEST_ENTITY_TOO_LARGE'
}

/** Tells what the storage fails with from what is wrong with the archive. */
class StorageFailed extends Error {
  override name = 'StorageFailed'
}

export type Packing = 'gzip' | 'zstd' | 'none'

/** By the end of a media type: `…tar+gzip`. */
export function packingOf(mediaType: string): Packing {
  if (/[+.]gzip$/.test(mediaType)) return 'gzip'
  return /[+.]zstd$/.test(mediaType) ? 'zstd' : 'none'
}

/**
 * The first file of an archive that is wanted; `undefined` when there is none. It is read as it comes and no further.
 *
 * @param isWanted is given names as they are in the archive
 * @throws {AdditionTooLarge} longer than `maxBytes`, or behind too much else
 * @throws {NotFound} it is no archive
 */
export async function findInArchive(
  stored: StoredBytes,
  packing: Packing,
  isWanted: (name: string) => boolean,
  maxBytes: number,
): Promise<Buffer | undefined> {
  const unpacked = unpackerOf(packing)
  const archive = extract()
  const sent = send(stored, unpacked)
  const pumped = pump(unpacked, archive).catch((err: Error) => archive.destroy(err))
  try {
    return await firstWanted(archive, isWanted, maxBytes)
  } catch (err) {
    if (err instanceof StorageFailed) throw err.cause
    throw err instanceof DomainError ? err : new NotFound('the archive cannot be read', { cause: err })
  } finally {
    archive.destroy()
    unpacked.destroy()
    await Promise.all([sent, pumped])
  }
}

/** All of a blob that is no archive. @throws {AdditionTooLarge} */
export async function readWhole(stored: StoredBytes, maxBytes: number): Promise<Buffer> {
  const copy = unpackerOf('none')
  const sent = send(stored, copy)
  try {
    return await gather(copy, maxBytes)
  } catch (err) {
    throw err instanceof StorageFailed ? err.cause : err
  } finally {
    copy.destroy()
    await sent
  }
}

function unpackerOf(packing: Packing): Transform {
  if (packing === 'gzip') return createGunzip()
  if (packing === 'zstd') return createZstdDecompress()
  return new PassThrough({
    // The storage uses the memory of a chunk again once it was written.
    transform: (chunk: Buffer, _encoding, done) => done(null, Buffer.from(chunk)),
  })
}

/** Never rejects: whoever reads on is told. That nobody wants any more is no failure. */
async function send(stored: StoredBytes, into: Writable): Promise<void> {
  try {
    await stored.sendTo(into)
    into.end()
  } catch (err) {
    if (!into.destroyed) into.destroy(new StorageFailed('the storage failed', { cause: err }))
  }
}

async function pump(unpacked: Readable, archive: Extract): Promise<void> {
  let total = 0
  for await (const chunk of unpacked as AsyncIterable<Buffer>) {
    total += chunk.length
    if (total > MAX_UNPACKED_BYTES) throw new AdditionTooLarge('the archive is too large to be looked through')
    if (archive.destroyed) return
    if (!archive.write(chunk)) await drained(archive)
  }
  archive.end(undefined)
}

/** Resolves when more may be written, or when nobody will ever read it. */
function drained(archive: Extract): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      archive.off('drain', done)
      archive.off('close', done)
      resolve()
    }
    archive.on('drain', done)
    archive.on('close', done)
  })
}

async function firstWanted(
  archive: Extract,
  isWanted: (name: string) => boolean,
  maxBytes: number,
): Promise<Buffer | undefined> {
  let entries = 0
  for await (const entry of archive) {
    if (++entries > MAX_ENTRIES) throw new AdditionTooLarge('the archive has too many entries to be looked through')
    const { name, type } = entry.header
    if (type === 'file' && isWanted(name)) return await gather(entry as AsyncIterable<Buffer>, maxBytes)
    entry.resume()
  }
  return undefined
}

async function gather(from: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of from) {
    length += chunk.length
    if (length > maxBytes) throw new AdditionTooLarge(`it has more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
