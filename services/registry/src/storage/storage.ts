import type { Writable } from 'node:stream'
import { DomainError, Unavailable } from '@berth/errors'
import type { ByteRange, Digest } from '@berth/oci'
import { algorithmOf, encodedOf } from '@berth/oci'

/** Where the bytes of one blob are, below the root of the storage. Given out once, never used again. */
export type StorageKey = string & { readonly __brand: 'StorageKey' }
/** Where the bytes of an upload gather until they are a blob. Of one writer; another one gathers somewhere else. */
export type UploadPath = string & { readonly __brand: 'UploadPath' }
/** What a storage must know to go on with an upload: JSON in words of its own, kept in the session's row. */
export type UploadState = { readonly [word: string]: unknown }

/** How far an upload has come: bytes that are kept, and what to go on from there with. The two belong together. */
export interface Progress {
  readonly offset: number
  readonly state: UploadState | null
}

/** An upload as its session's row has it. */
export interface StoredUpload extends Progress {
  readonly path: UploadPath
}

/** How an upload is written to. */
export interface WriterOptions {
  /** Session and generation of the hold: names made under it are nobody else's. */
  holder: string
  /** No bytes follow after these. */
  isLast: boolean
  /** @throws when it may no longer write */
  guard(): void
  /** Writes the progress of this writer into the session's row. @throws when it may no longer write */
  record(): Promise<void>
}

/** Bytes of an upload on their way in, in order. */
export interface UploadWriter {
  /** Takes bytes; when it resolves the memory may be used again, but they need not be kept yet. */
  write(chunk: Uint8Array): Promise<void>
  /** What any process can go on from, not yet durable. */
  progress(): Progress
  /** Keeps everything written, if it can, and lets go of what it holds. */
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

/** One file or object. */
export interface StoredEntry {
  name: string
  size: number
  modifiedAt: Date
}

/** How much room there is, in bytes. */
export interface Volume {
  totalBytes: number
  freeBytes: number
}

/**
 * Keeps bytes, knows nothing of digests, projects or people. What a key or path names that is not there is
 * {@link BytesMissing}, no room is {@link StorageFull}; anything else thrown is the storage failing.
 */
export interface Storage {
  readonly driver: 'filesystem' | 's3'
  /** Chunks before the last one should be this long; absent: as short as they like. */
  readonly minChunkBytes?: number
  /** Two holders of one session may store its bytes under one key: then only who ends the session removes it. */
  readonly sharesKeys: boolean
  /**
   * Opens an upload for writing behind its first `offset` bytes; what stands there is cut off. At offset 0 it need not
   * exist.
   *
   * @throws {BytesMissing} it holds fewer than `offset` bytes
   */
  openUpload(upload: StoredUpload, options: WriterOptions): Promise<UploadWriter>
  /**
   * Makes an upload safe from its last holder, who never said that it was done and may still be writing. Answers what
   * to go on with.
   *
   * @param take is given the bytes if they pass through here, and may refuse to go on
   * @param sealedKey where that holder was about to store them
   * @throws {BytesMissing} the recorded bytes are not there
   */
  salvage(
    upload: StoredUpload,
    options: { holder: string; sealedKey: StorageKey | null; take: (chunk: Uint8Array) => void },
  ): Promise<{ upload: StoredUpload; passed: boolean }>
  /** Where the bytes of an upload will be as a blob. */
  keyFor(upload: StoredUpload, digest: Digest, holder: string): StorageKey
  /** Keeps an upload of exactly `offset` bytes at `key`, durable when it resolves. Of nothing, it need not exist. */
  store(upload: StoredUpload, key: StorageKey): Promise<void>
  /** Keys of blobs an upload has made on its way; they go through the trash when its session ends. */
  keysOf(upload: StoredUpload): StorageKey[]
  /** Forgets what else there is of an upload that became no blob; one that is not there is forgotten already. */
  discard(upload: StoredUpload): Promise<void>
  /** Forgets what is left of an upload beside the blob that was stored of it. */
  tidy(upload: StoredUpload, key: StorageKey): Promise<void>
  /** Forgets what was written before `olderThanMs` for sessions nobody knows, up to a bound; answers how many. */
  discardAbandoned(olderThanMs: number, isKnown: (session: string) => Promise<boolean>): Promise<number>
  /** All bytes of a blob or a part of it. @throws {BytesMissing} before the first byte */
  read(key: StorageKey, size: number, range?: ByteRange): Promise<StoredBytes>
  /** A URL a client of this address may GET the blob from for a while; `undefined`: it has to be sent by us. */
  urlOf(key: StorageKey, clientAddress: string | undefined): Promise<string | undefined>
  /** Removes bytes; keys that are not there are removed already. @throws {BytesRemain} some could not be removed */
  remove(keys: readonly StorageKey[]): Promise<void>
  /** What there is whose name begins with `prefix` and comes after `after`, by name in byte order, up to `limit`. */
  list(prefix: string, after: string, limit: number): Promise<StoredEntry[]>
  /** What bytes are kept on; nothing where there is no end to the room. */
  volumes(): Promise<Volume[]>
  /** Writes, reads and removes a few bytes; throws what went wrong. */
  probe(): Promise<void>
}

export class BytesMissing extends Error {
  override name = 'BytesMissing'
}

/** UNAVAILABLE (503): the storage does not let go of some bytes; the others are gone. */
export class BytesRemain extends Unavailable {
  override name = 'BytesRemain'
  readonly keys: readonly string[]

  constructor(keys: readonly string[], cause: unknown) {
    super('the storage does not remove what it should', { cause })
    this.keys = keys
  }
}

/**
 * UNAVAILABLE (507): there is no room for the bytes. Clients try again after a 503, which would only send them once
 * more; 507 is told to the user as it is.
 */
export class StorageFull extends DomainError {
  override name = 'StorageFull'
  readonly code = 'UNAVAILABLE'

  constructor(cause?: unknown) {
    super('the storage of the registry is full', { status: 507, cause })
  }
}

/** RANGE_INVALID (416): too many short chunks; nothing of this one was kept. */
export class ChunkTooShort extends DomainError {
  override name = 'ChunkTooShort'
  readonly code = 'RANGE_INVALID'
  readonly minBytes: number

  constructor(minBytes: number) {
    super('too many short chunks', { detail: { minBytes } })
    this.minBytes = minBytes
  }
}

/** The place a blob gets by its digest, `holder` being unique for whoever writes it. */
export function storageKeyOf(digest: Digest, holder: string): StorageKey {
  const hex = encodedOf(digest)
  return `blobs/${algorithmOf(digest)}/${hex.slice(0, 2)}/${hex}/${holder}` as StorageKey
}

export function uploadPathOf(holder: string): UploadPath {
  return `uploads/${holder}` as UploadPath
}

/** Session and generation of a hold, as names are made of them. */
export function holderOf(hold: { id: string; generation: number }): string {
  return `${hold.id}.${hold.generation}`
}

const PLACE = /^(?:uploads|blobs|adopted|docker)(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$/

/** Names come from our own tables; a strange one must not lead out of the root all the same. @throws {Error} */
export function requirePlace(name: StorageKey | UploadPath): void {
  if (!PLACE.test(name)) throw new Error('a storage key outside the grammar')
}
