import { ChunkTooShort, type Progress, type StorageKey, type UploadWriter, type WriterOptions } from '../storage.ts'
import { PAGE_BYTES, type PagePool, type PageUser } from './page-pool.ts'
import { BlobTooLarge, MAX_PARTS, MAX_TAILS, MIN_PART_BYTES, partBytes } from './part-size.ts'
import type { Body, S3Bucket } from './s3-bucket.ts'
import { bytesOf, type Part, type S3State, type Tail, toRow } from './upload-state.ts'

/** Parts on their way at the same time, of one upload. */
const MAX_SENDING = 3
/** Numbers of parts that are set aside at a time: who takes over from somebody who vanished begins behind them. */
const RESERVED = 16
export const MIN_CHUNK_BYTES = Math.ceil(MIN_PART_BYTES / MAX_TAILS)

/** A part on its way, or there, with the tails that are its beginning. */
interface Sending extends Part {
  arrived: boolean
  merged: Tail[]
}

export interface WriterParts {
  bucket: S3Bucket
  pool: PagePool
  /** The bytes of tails, one after another. */
  readTails(tails: readonly Tail[]): Promise<Buffer>
  /** Names under this hold, never given out before. */
  names: { blob(): StorageKey; tail(): string }
}

/**
 * Gathers bytes in pages of the pool until they are enough for a part. What is left at the end swallows the rest or,
 * when it is too short for a part, becomes an object of its own.
 */
export class S3UploadWriter implements UploadWriter, PageUser {
  readonly #parts: Sending[]
  #tails: Tail[]
  #multipart: S3State['multipart']
  #plain: S3State['plain']
  readonly #salvaged: S3State['salvaged']
  readonly #spent: string[] = []
  /** The client has sent as many short pieces as it may. */
  readonly #hasManyTails: boolean
  #number: number
  #reserved: number
  #pages: Buffer[] = []
  /** Bytes in the last page. */
  #filled = PAGE_BYTES
  readonly #sending = new Set<Promise<void>>()
  #spilling: Promise<void> = Promise.resolve()
  #isBusy = false
  #isClosed = false
  #failure: { err: unknown } | undefined
  readonly #with: WriterParts
  readonly #options: WriterOptions

  constructor(state: S3State, parts: WriterParts, options: WriterOptions) {
    this.#parts = state.parts.map((part) => ({ ...part, arrived: true, merged: [] }))
    this.#tails = [...state.tails]
    this.#multipart = state.multipart
    this.#plain = state.plain
    this.#salvaged = state.salvaged
    this.#hasManyTails = state.tails.length >= MAX_TAILS
    this.#number = state.next
    this.#reserved = state.next
    this.#with = parts
    this.#options = options
    parts.pool.enter(this)
  }

  get idlePages(): number {
    return this.#isBusy ? 0 : this.#pages.length
  }

  async write(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length; ) {
      this.#throwFailure()
      const page = await this.#openPage()
      const copied = Math.min(PAGE_BYTES - this.#filled, chunk.length - at)
      page.set(chunk.subarray(at, at + copied), this.#filled)
      this.#filled += copied
      at += copied
      const target = partBytes(this.#number)
      if (this.#pending() >= target + MIN_PART_BYTES) await this.#busy(() => this.#sendPart(target))
    }
  }

  /** While a page is waited for, what was gathered before may be sent. */
  async #openPage(): Promise<Buffer> {
    let page = this.#pages.at(-1)
    if (page === undefined || this.#filled === PAGE_BYTES) {
      page = await this.#with.pool.take(this)
      this.#pages.push(page)
      this.#filled = 0
    }
    return page
  }

  progress(): Progress {
    const parts: Part[] = []
    const tails: Tail[] = []
    const waiting = this.#parts.findIndex(({ arrived }) => !arrived)
    for (const { number, etag, size } of waiting === -1 ? this.#parts : this.#parts.slice(0, waiting)) {
      parts.push({ number, etag, size })
    }
    tails.push(...(waiting === -1 ? this.#tails : (this.#parts[waiting]?.merged ?? [])))
    const state: S3State = {
      multipart: this.#multipart,
      parts,
      tails,
      next: this.#isClosed ? this.#number : this.#reserved,
      plain: this.#plain,
      spent: this.#spent.filter((key) => !tails.some((tail) => tail.key === key)),
      salvaged: this.#salvaged,
    }
    return { offset: bytesOf(parts) + bytesOf(tails), state: toRow(state) }
  }

  async close(): Promise<void> {
    try {
      await this.#busy(async () => {
        await this.#spilling
        this.#throwFailure()
        await this.#sendRest()
      })
    } finally {
      await Promise.all(this.#sending)
      this.#with.pool.give(this.#pages.splice(0))
      this.#with.pool.leave(this)
      this.#isClosed = true
    }
    this.#throwFailure()
  }

  /** Asked by the pool: what is gathered goes on its way, as a part if it is long enough. */
  relieve(): boolean {
    if (this.#isBusy || this.#pages.length === 0) return false
    this.#spilling = this.#busy(() => this.#sendAll()).catch((err) => this.#fail(err))
    return true
  }

  async #busy(work: () => Promise<void>): Promise<void> {
    // One after the other: what is on its way decides what comes next. The pool may ask again in between.
    while (this.#isBusy) await this.#spilling
    this.#isBusy = true
    try {
      await work()
    } finally {
      this.#isBusy = false
    }
  }

  #pending(): number {
    return bytesOf(this.#tails) + this.#gathered()
  }

  #gathered(): number {
    return this.#pages.length === 0 ? 0 : (this.#pages.length - 1) * PAGE_BYTES + this.#filled
  }

  async #sendRest(): Promise<void> {
    if (this.#gathered() === 0) return
    const isTail = this.#pending() < MIN_PART_BYTES
    if (isTail && !this.#options.isLast && this.#hasManyTails) throw new ChunkTooShort(MIN_CHUNK_BYTES)
    await this.#sendAll()
  }

  #sendAll(): Promise<void> {
    return this.#pending() >= MIN_PART_BYTES ? this.#sendPart(Number.POSITIVE_INFINITY) : this.#sendTail()
  }

  async #sendTail(): Promise<void> {
    this.#options.guard()
    const { pages, body } = this.#takePages(this.#pages.length)
    try {
      const size = lengthOf(body)
      if (size === 0) return
      const isFirst = this.#parts.length === 0 && this.#tails.length === 0
      const key = isFirst ? this.#with.names.blob() : this.#with.names.tail()
      // Where memory is short there may be any number of them.
      const merged = this.#tails.length >= MAX_TAILS ? this.#tails : []
      const before = merged.length === 0 ? [] : [await this.#with.readTails(merged)]
      await this.#with.bucket.put(key, [...before, ...body])
      if (isFirst) this.#plain = key as StorageKey
      this.#spend(merged)
      this.#tails = [...this.#tails.slice(merged.length), { key, size: bytesOf(merged) + size }]
    } finally {
      this.#with.pool.give(pages)
    }
  }

  /** Sends the tails and about as many bytes that a part of `target` comes of them. */
  async #sendPart(target: number): Promise<void> {
    const merged = this.#tails
    const wanted = Math.floor((target - bytesOf(merged)) / PAGE_BYTES)
    // Taken before anything is waited for: what is written meanwhile comes behind them.
    const { pages, body } = this.#takePages(Math.min(this.#pages.length, wanted))
    const part = { number: 0, etag: '', size: bytesOf(merged) + lengthOf(body), arrived: false, merged }
    try {
      while (this.#sending.size >= MAX_SENDING) await Promise.race(this.#sending)
      this.#throwFailure()
      part.number = await this.#nextNumber()
      this.#options.guard()
    } catch (err) {
      this.#with.pool.give(pages)
      throw err
    }
    this.#tails = []
    this.#parts.push(part)
    const sending = this.#deliver(part, body)
      .catch((err) => this.#fail(err))
      .finally(() => {
        this.#with.pool.give(pages)
        this.#sending.delete(sending)
      })
    this.#sending.add(sending)
  }

  async #deliver(part: Sending, body: Body): Promise<void> {
    if (this.#multipart === undefined) throw new Error('a part without an upload')
    const before = part.merged.length === 0 ? [] : [await this.#with.readTails(part.merged)]
    const { key, id } = this.#multipart
    part.etag = await this.#with.bucket.putPart(key, id, part.number, [...before, ...body])
    part.arrived = true
    this.#spend(part.merged)
  }

  /** They are somewhere else by now. The first object stays the blob's until the end of the session. */
  #spend(tails: readonly Tail[]): void {
    this.#spent.push(...tails.map(({ key }) => key).filter((key) => key !== this.#plain))
  }

  async #nextNumber(): Promise<number> {
    const number = this.#number
    if (number > MAX_PARTS) throw new BlobTooLarge()
    if (this.#multipart === undefined) {
      const key = this.#with.names.blob()
      this.#multipart = { key, id: await this.#with.bucket.beginParts(key) }
    }
    if (number >= this.#reserved) {
      this.#reserved = number + RESERVED
      await this.#options.record()
    }
    this.#number = number + 1
    return number
  }

  #takePages(count: number): { pages: Buffer[]; body: Body } {
    const pages = this.#pages.splice(0, count)
    const isAll = this.#pages.length === 0
    const body = pages.map((page, i) => (isAll && i === pages.length - 1 ? page.subarray(0, this.#filled) : page))
    if (isAll) this.#filled = PAGE_BYTES
    return { pages, body }
  }

  #fail(err: unknown): void {
    this.#failure ??= { err }
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.err
  }
}

function lengthOf(body: Body): number {
  return body.reduce((sum, piece) => sum + piece.length, 0)
}
