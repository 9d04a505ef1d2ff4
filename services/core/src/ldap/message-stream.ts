import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { isAnswer, messageBytes } from './message-shape.ts'

/** What a directory may say to one sign-in or one search. */
const MAX_BYTES = 16 * 1_048_576

/** A connection to a directory as the library reads it: one whole answer at a time, and none that is not one. */
export class MessageStream extends Duplex {
  /** As sockets have it, for the library. */
  readonly readyState = 'open'
  readonly #inner: Socket
  readonly #onData = (chunk: Buffer) => this.#take(chunk)
  readonly #onEnd = () => this.push(null)
  #bytes = 0
  #messages = 0
  #pending: Buffer[] = []
  #pendingBytes = 0
  #wantedBytes = 2

  constructor(inner: Socket) {
    super({ readableObjectMode: true, writableObjectMode: false })
    this.#inner = inner
    inner.on('data', this.#onData).on('end', this.#onEnd)
    inner.on('error', (err) => this.destroy(err)).on('close', () => this.destroy())
    this.on('error', () => undefined)
    inner.once('secureConnect', () => this.emit('secureConnect'))
  }

  /**
   * Leaves the connection to who speaks TLS on it; only its end is still heard.
   *
   * @throws {Error} more has come than the one answer StartTLS has: somebody wants to be heard before TLS is there
   */
  release(): Socket {
    if (this.#messages !== 1 || this.#pendingBytes > 0) throw new Error('the directory spoke before TLS was there')
    this.#inner.off('data', this.#onData).off('end', this.#onEnd)
    return this.#inner
  }

  #take(chunk: Buffer): void {
    this.#bytes += chunk.length
    if (this.#bytes > MAX_BYTES) return void this.destroy(new Error('the directory answers too much'))
    this.#pending.push(chunk)
    this.#pendingBytes += chunk.length
    while (this.#pendingBytes >= this.#wantedBytes && !this.destroyed) this.#next()
  }

  /** One answer, or how many bytes it takes to see one. */
  #next(): void {
    const all = this.#pending.length === 1 ? (this.#pending[0] as Buffer) : Buffer.concat(this.#pending)
    const size = messageBytes(all) ?? this.#pendingBytes + 1
    this.#pending = [all]
    this.#wantedBytes = size
    // Also where it is not a number: then there is nothing to wait for.
    if (size > all.length) return
    const message = all.subarray(0, size)
    if (!isAnswer(message)) return void this.destroy(new Error('the directory answers what is not LDAP'))
    this.#messages++
    this.#pending = [all.subarray(size)]
    this.#pendingBytes = all.length - size
    this.#wantedBytes = 2
    this.push(message)
  }

  override _read(): void {
    // It comes by itself; there is a bound on all of it.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (err?: Error | null) => void): void {
    this.#inner.write(chunk, done)
  }

  override _final(done: () => void): void {
    this.#inner.end()
    done()
  }

  override _destroy(err: Error | null, done: (err: Error | null) => void): void {
    this.#inner.destroy()
    done(err)
  }
}
