import type { Writable } from 'node:stream'
import type { ByteRange, Digest } from '@berth/oci'
import { algorithmOf, encodedOf } from '@berth/oci'

/** Where the bytes of one blob are: `blobs/sha256/ab/<hex>/<upload>`. Given out once, never used again. */
export type StorageKey = string & { readonly __brand: 'StorageKey' }
/** Where the bytes of an upload gather until they are a blob. Of one writer; another one gathers somewhere else. */
export type UploadPath = string & { readonly __brand: 'UploadPath' }

/** Bytes of an upload on their way in, in order. */
export interface UploadWriter {
  /** Resolves when the bytes can be read back by any process, not yet durable; then the memory may be used again. */
  write(chunk: Uint8Array): Promise<void>
  /** Lets go of what it holds; what was written stays. */
  close(): Promise<void>
}

/** Bytes that are there, ready to be sent; to be sent once or closed. */
export interface StoredBytes {
  /**
   * Writes them all, as fast as `into` takes them, and does not end it. The memory of a chunk is used again once its
   * write has been called back.
   */
  sendTo(into: Writable): Promise<void>
  close(): Promise<void>
}

/**
 * Keeps bytes, knows nothing of digests, projects or people. What a key or path names that is not there is
 * {@link BytesMissing}; anything else thrown is the storage failing.
 */
export interface Storage {
  readonly driver: string
  /**
   * Opens an upload for writing behind its first `offset` bytes; what stands there is cut off. At offset 0 it need not
   * exist.
   *
   * @throws {BytesMissing} it holds fewer than `offset` bytes
   */
  openUpload(path: UploadPath, offset: number): Promise<UploadWriter>
  /** The first `length` bytes of an upload. @throws {BytesMissing} it holds fewer */
  readUpload(path: UploadPath, length: number): Promise<StoredBytes>
  /** Moves an upload of exactly `size` bytes to `key`; both are durable when it resolves. */
  store(path: UploadPath, key: StorageKey, size: number): Promise<void>
  /** Forgets an upload; one that is not there is forgotten already. */
  discard(path: UploadPath): Promise<void>
  /** Forgets uploads nobody has written to for `olderThanMs`, up to a bound; answers how many. */
  discardAbandoned(olderThanMs: number): Promise<number>
  /** All bytes of a blob or a part of it. @throws {BytesMissing} before the first byte */
  read(key: StorageKey, size: number, range?: ByteRange): Promise<StoredBytes>
  /** Removes bytes; keys that are not there are removed already. */
  remove(keys: readonly StorageKey[]): Promise<void>
  /** Writes, reads and removes a few bytes; throws what went wrong. */
  probe(): Promise<void>
}

export class BytesMissing extends Error {
  override name = 'BytesMissing'
}

/** The place a blob gets, `holder` being unique for whoever writes it. */
export function storageKeyOf(digest: Digest, holder: string): StorageKey {
  const hex = encodedOf(digest)
  return `blobs/${algorithmOf(digest)}/${hex.slice(0, 2)}/${hex}/${holder}` as StorageKey
}

export function uploadPathOf(holder: string): UploadPath {
  return `uploads/${holder}` as UploadPath
}
