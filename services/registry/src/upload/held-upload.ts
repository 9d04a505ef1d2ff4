import { Writable } from 'node:stream'
import { Unavailable } from '@berth/errors'
import type { Hasher, SessionId } from '@berth/oci'
import {
  BUFFER_BYTES,
  giveBuffer,
  type Storage,
  takeBuffer,
  type UploadPath,
  type UploadWriter,
} from '../storage/index.ts'
import type { Hold, UploadStore } from './upload-store.ts'

/** The part of a lease that is used: whoever may come after it waits for the whole. */
const SAFE_PART = 0.7
const RENEW_PART = 0.25

/** UNAVAILABLE (503): somebody else has the session now, or Postgres could not be told that we still have it. */
export class HoldLost extends Unavailable {
  override name = 'HoldLost'

  constructor() {
    super('the upload session is no longer held', { retryAfterSeconds: 1 })
  }
}

/**
 * One writer's hold on a session: the only one who writes, as long as the lease is renewed. It renews itself, stops
 * writing well before the lease ends, and keeps the digest of all bytes written so far.
 */
export class HeldUpload implements Hold {
  readonly id: SessionId
  readonly generation: number
  path: UploadPath
  /** Bytes that are in the storage. */
  offset: number
  #hasher: Hasher
  #hashed: number
  #writer: UploadWriter | undefined
  /** What has arrived and is not yet on its way to the storage. */
  #buffer: Buffer | undefined
  #filled = 0
  #writing: Promise<void> = Promise.resolve()
  #safeUntil: number
  #lost = false
  #renewing: Promise<unknown> = Promise.resolve()
  readonly #renewal: NodeJS.Timeout
  readonly #store: Pick<UploadStore, 'keep'>
  readonly #storage: Storage
  readonly #leaseMs: number

  /** @param askedAt `performance.now()` before the lease was asked for */
  constructor(
    hold: Hold & { hasher: Hasher; askedAt: number },
    parts: { store: Pick<UploadStore, 'keep'>; storage: Storage; leaseMs: number },
  ) {
    this.id = hold.id
    this.generation = hold.generation
    this.path = hold.path
    this.offset = hold.offset
    this.#hasher = hold.hasher
    this.#hashed = hold.offset
    this.#store = parts.store
    this.#storage = parts.storage
    this.#leaseMs = parts.leaseMs
    this.#safeUntil = hold.askedAt + parts.leaseMs * SAFE_PART
    this.#renewal = setInterval(() => {
      this.#renewing = this.#renew()
    }, parts.leaseMs * RENEW_PART)
  }

  /** `undefined` when a failed write left it behind or ahead of what is stored. */
  get hasher(): Hasher | undefined {
    return this.#hashed === this.offset ? this.#hasher : undefined
  }

  set hasher(hasher: Hasher) {
    this.#hasher = hasher
    this.#hashed = this.offset
  }

  /** @throws {HoldLost} it may no longer write */
  require(): void {
    if (this.#lost || performance.now() > this.#safeUntil) throw new HoldLost()
  }

  /** Takes bytes in, gathers them and writes them while the next ones arrive. */
  sink(): Writable {
    return new Writable({
      highWaterMark: BUFFER_BYTES,
      write: (chunk: Buffer, _encoding, done) => void this.#take(chunk).then(() => done(), done),
      final: (done) => void this.#flush().then(() => done(), done),
    })
  }

  async #take(chunk: Buffer): Promise<void> {
    this.#hasher.update(chunk)
    this.#hashed += chunk.length
    for (let at = 0; at < chunk.length; ) {
      this.#buffer ??= takeBuffer()
      const copied = chunk.copy(this.#buffer, this.#filled, at)
      this.#filled += copied
      at += copied
      if (this.#filled === BUFFER_BYTES) await this.#writeBuffer()
    }
  }

  /** Waits for the write before and begins the next one. */
  async #writeBuffer(): Promise<void> {
    await this.#writing
    this.require()
    this.#writer ??= await this.#storage.openUpload(this.path, this.offset)
    const [buffer, length] = [this.#buffer, this.#filled]
    this.#buffer = undefined
    this.#filled = 0
    if (buffer === undefined) return
    this.#writing = this.#writer
      .write(buffer.subarray(0, length))
      .then(() => {
        this.offset += length
      })
      .finally(() => giveBuffer(buffer))
    // Whoever waits for it next is told.
    this.#writing.catch(() => undefined)
  }

  async #flush(): Promise<void> {
    if (this.#filled > 0) await this.#writeBuffer()
    await this.#writing
  }

  /** Writes what has been gathered, as far as that is still allowed, and lets go of the storage. */
  async closeWriter(): Promise<void> {
    try {
      await this.#flush()
    } finally {
      if (this.#buffer !== undefined) giveBuffer(this.#buffer)
      this.#buffer = undefined
      this.#filled = 0
      this.#writing = Promise.resolve()
      const writer = this.#writer
      this.#writer = undefined
      await writer?.close()
    }
  }

  /** Makes sure that something is in the storage, be it nothing. */
  async touchStorage(): Promise<void> {
    if (this.offset === 0) await (await this.#storage.openUpload(this.path, 0)).close()
  }

  /** From now on nobody renews, so that what is written about the session next is the last word. */
  async stop(): Promise<void> {
    clearInterval(this.#renewal)
    await this.#renewing
  }

  /** Renews at once. @throws {HoldLost} */
  async renew(): Promise<void> {
    await this.#renew()
    this.require()
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
