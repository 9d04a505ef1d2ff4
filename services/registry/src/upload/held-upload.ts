import { Unavailable } from '@berth/errors'
import type { Digest, Hasher, SessionId } from '@berth/oci'
import { giveBack } from '@berth/runtime'
import {
  giveBuffer,
  holderOf,
  type Progress,
  type Storage,
  type StorageKey,
  type StoredUpload,
  takeBuffer,
  type UploadPath,
  type UploadWriter,
} from '../storage/index.ts'
import type { Hold, UploadStore } from './upload-store.ts'

/** The part of a lease that is used: whoever may come after it waits for the whole. */
const SAFE_PART = 0.7
const RENEW_PART = 0.25
/** Buffers on their way to the storage, so that hashing and receiving go on when a write takes long. */
const MAX_WRITES = 4

/** UNAVAILABLE (503): somebody else has the session now, or Postgres could not be told that we still have it. */
export class HoldLost extends Unavailable {
  override name = 'HoldLost'

  constructor() {
    super('the upload session is no longer held', { retryAfterSeconds: 1 })
  }
}

/**
 * One writer's hold on a session: the only one who writes, as long as the lease is renewed. It renews itself, stops
 * writing well before the lease ends, and keeps the digest of all bytes written so far if it knows how it began.
 */
export class HeldUpload implements Hold {
  readonly id: SessionId
  readonly generation: number
  /** The digest of what was there at the beginning, as the last holder left it. */
  readonly knownDigest: Digest | undefined
  /** Where the bytes are about to be stored, once that has been recorded. */
  sealedKey: StorageKey | undefined
  #path: UploadPath
  #progress: Progress
  #hasher: Hasher | undefined
  #hashed: number
  #writer: UploadWriter | undefined
  /** What has arrived and is not yet on its way to the storage. */
  #buffer: Buffer | undefined
  #filled = 0
  /** The last of the writes, each of which follows the one before. */
  #writing: Promise<void> = Promise.resolve()
  #writes: Promise<void>[] = []
  #safeUntil: number
  #lost = false
  #renewing: Promise<unknown> = Promise.resolve()
  readonly #renewal: NodeJS.Timeout
  readonly #store: Pick<UploadStore, 'keep'>
  readonly #storage: Storage
  readonly #leaseMs: number

  /** @param askedAt `performance.now()` before the lease was asked for */
  constructor(
    hold: {
      id: SessionId
      generation: number
      upload: StoredUpload
      hasher: Hasher | undefined
      knownDigest?: Digest
      askedAt: number
    },
    parts: { store: Pick<UploadStore, 'keep'>; storage: Storage; leaseMs: number },
  ) {
    this.id = hold.id
    this.generation = hold.generation
    this.knownDigest = hold.knownDigest
    this.#path = hold.upload.path
    this.#progress = hold.upload
    this.#hasher = hold.hasher
    this.#hashed = hold.upload.offset
    this.#store = parts.store
    this.#storage = parts.storage
    this.#leaseMs = parts.leaseMs
    this.#safeUntil = hold.askedAt + parts.leaseMs * SAFE_PART
    this.#renewal = setInterval(() => void this.#renewInTurn(), parts.leaseMs * RENEW_PART)
  }

  /** As it is to be recorded: what is in the storage by now. */
  get upload(): StoredUpload {
    const { offset, state } = this.#writer?.progress() ?? this.#progress
    return { path: this.#path, offset, state }
  }

  /** `undefined` when a failed write left it behind or ahead of what is stored, or nobody knows how it began. */
  get hasher(): Hasher | undefined {
    return this.#hashed === this.upload.offset ? this.#hasher : undefined
  }

  /** Goes on with this; what was written since is given up. */
  resume(upload: StoredUpload, hasher?: Hasher): void {
    this.#path = upload.path
    this.#progress = upload
    this.#hasher = hasher
    this.#hashed = upload.offset
  }

  /** @throws {HoldLost} it may no longer write */
  require(): void {
    if (this.#lost || performance.now() > this.#safeUntil) throw new HoldLost()
  }

  /**
   * Takes bytes in, gathers them and writes them while the next ones arrive; answers what has to be waited for before
   * there may be more. The chunk is ours, and is spent.
   */
  take(chunk: Buffer, options: { isLast: boolean }): Promise<void> | undefined {
    this.#hasher?.update(chunk)
    this.#hashed += chunk.length
    const buffer = this.#buffer ?? takeBuffer()
    this.#buffer = buffer
    const copied = chunk.copy(buffer, this.#filled)
    this.#filled += copied
    if (this.#filled === buffer.length) return this.#takeRest(chunk, copied, options.isLast)
    giveBack(chunk)
    return undefined
  }

  async #takeRest(chunk: Buffer, from: number, isLast: boolean): Promise<void> {
    for (let at = from; ; ) {
      await this.#writeBuffer(isLast)
      if (at === chunk.length) break
      this.#buffer = takeBuffer()
      const copied = chunk.copy(this.#buffer, 0, at)
      this.#filled = copied
      at += copied
      if (this.#filled < this.#buffer.length) break
    }
    giveBack(chunk)
  }

  /** Begins to write what is gathered after what is on its way already, and waits when that is too much. */
  async #writeBuffer(isLast: boolean): Promise<void> {
    if (this.#writes.length === MAX_WRITES) await this.#writes.shift()
    this.require()
    this.#writer ??= await this.#openWriter(isLast)
    const [buffer, length] = [this.#buffer, this.#filled]
    this.#buffer = undefined
    this.#filled = 0
    if (buffer === undefined) return
    const writer = this.#writer
    this.#writing = this.#writing
      .then(() => {
        this.require()
        return writer.write(buffer.subarray(0, length))
      })
      .finally(() => giveBuffer(buffer))
    this.#writes.push(this.#writing)
    // Whoever waits for it next is told.
    this.#writing.catch(() => undefined)
  }

  #openWriter(isLast: boolean): Promise<UploadWriter> {
    return this.#storage.openUpload(this.upload, {
      holder: holderOf(this),
      isLast,
      guard: () => this.require(),
      record: () => this.renew(),
    })
  }

  async #flush(isLast: boolean): Promise<void> {
    if (this.#filled > 0) await this.#writeBuffer(isLast)
    await this.#writing
  }

  /** Writes what has been gathered, as far as that is still allowed, and lets go of the storage. */
  async closeWriter(options: { isLast: boolean }): Promise<void> {
    try {
      await this.#flush(options.isLast)
    } finally {
      if (this.#buffer !== undefined) giveBuffer(this.#buffer)
      this.#buffer = undefined
      this.#filled = 0
      await this.#writing.catch(() => undefined)
      this.#writing = Promise.resolve()
      this.#writes = []
      await this.#letGo()
    }
  }

  async #letGo(): Promise<void> {
    const writer = this.#writer
    if (writer === undefined) return
    try {
      await writer.close()
    } finally {
      this.#progress = writer.progress()
      this.#writer = undefined
    }
  }

  /** From now on nobody renews, so that what is written about the session next is the last word. */
  async stop(): Promise<void> {
    clearInterval(this.#renewal)
    await this.#renewing
  }

  /** Renews at once. @throws {HoldLost} */
  async renew(): Promise<void> {
    await this.#renewInTurn()
    this.require()
  }

  /** One after the other, so that what is recorded never goes back. */
  #renewInTurn(): Promise<unknown> {
    this.#renewing = this.#renewing.then(() => this.#renew())
    return this.#renewing
  }

  async #renew(): Promise<void> {
    const askedAt = performance.now()
    try {
      if (await this.#store.keep(this, this.#leaseMs)) this.#safeUntil = askedAt + this.#leaseMs * SAFE_PART
      else this.#lost = true
    } catch (err) {
      // Postgres is away: the lease simply runs out unless a later renewal succeeds.
      if (!(err instanceof Unavailable)) this.#lost = true
    }
  }
}
