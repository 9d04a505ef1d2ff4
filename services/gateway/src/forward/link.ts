import { connect, type Socket } from 'node:net'
import { ownBuffer } from './read-buffers.ts'
import type { Target } from './target.ts'

/** Whoever asked over a link and waits for its answer. */
export interface LinkUser {
  onConnect(): void
  /** What was read. False: nothing more until `resume`. */
  onBytes(bytes: Buffer): boolean
  /** The service will send no more. */
  onEnd(): void
  /** The connection is gone. */
  onClose(cause: Error | undefined): void
}

/** A connection to a service that reads into a buffer of ours, so that a body costs no memory and no collection. */
export class Link {
  /** It is connected, and somebody has had an answer over it. */
  isProven = false
  user: LinkUser | undefined
  readonly #socket: Socket
  readonly #own = ownBuffer()
  #next = this.#own
  #cause: Error | undefined

  constructor({ hostname, port }: Target, onClose: (link: Link) => void) {
    this.#socket = connect({
      host: hostname,
      port,
      noDelay: true,
      onread: {
        buffer: () => this.#next,
        callback: (count, bytes) => this.#take((bytes as Buffer).subarray(0, count)),
      },
    })
    this.#socket.once('connect', () => this.user?.onConnect())
    this.#socket.once('end', () => this.user?.onEnd())
    this.#socket.on('error', (err) => {
      this.#cause = err
    })
    this.#socket.once('close', () => {
      onClose(this)
      this.user?.onClose(this.#cause)
    })
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed && this.#socket.writable
  }

  send(head: string): void {
    this.#socket.write(head, 'latin1')
  }

  resume(): void {
    this.#socket.resume()
  }

  destroy(cause?: Error): void {
    this.#socket.destroy(cause)
  }

  /**
   * The read after this one goes into `buffer`, or into the link's own. To be called from within `onBytes`: what the
   * next read goes into is settled when it returns.
   */
  readInto(buffer: Buffer | undefined): void {
    this.#next = buffer ?? this.#own
  }

  #take(bytes: Buffer): boolean {
    if (this.user !== undefined) return this.user.onBytes(bytes)
    // Nobody has asked for anything.
    this.destroy()
    return false
  }
}
