import { createHash, randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'

const MIB = 2 ** 20
const END_OF_HEAD = '\r\n\r\n'

/** Bytes that are cheap to send: one block, over and over. */
export interface Load {
  digest: string
  sizeBytes: number
  block: Buffer
}

/** Content nobody has seen before; a large one repeats its first MiB, so that making it costs a hash alone. */
export function makeLoad(sizeBytes: number): Load {
  const block = randomBytes(Math.min(sizeBytes, MIB))
  const hash = createHash('sha256')
  for (let left = sizeBytes; left > 0; left -= block.length) hash.update(block.subarray(0, left))
  return { digest: `sha256:${hash.digest('hex')}`, sizeBytes, block }
}

export interface WireAnswer {
  status: number
  /** Status line and headers. */
  head: string
  text: string
}

export const headerOf = (answer: WireAnswer, name: string): string | undefined =>
  new RegExp(`\\r\\n${name}: *([^\\r]*)`, 'i').exec(answer.head)?.[1]

interface Pending {
  isHead: boolean
  received: string
  resolve(answer: WireAnswer): void
  reject(err: Error): void
}

/** A body: all of it, a part of a load, or a load in chunks without a length. */
export type WireBody = Buffer | { load: Load; from?: number; bytes?: number; chunked?: boolean }

/**
 * One keep-alive connection that sends with as little work as Node can, so that what is measured is the server. Answers
 * are small and have a Content-Length. One request at a time.
 */
export class Wire {
  readonly #socket: Socket
  readonly #host: string
  #pending: Pending | undefined

  constructor(base: string) {
    const { hostname, port, host } = new URL(base)
    this.#host = host
    this.#socket = connect({ host: hostname, port: Number(port), noDelay: true })
    this.#socket.setEncoding('latin1')
    this.#socket.on('data', (text: string) => this.#take(text))
    this.#socket.on('error', (err) => this.#fail(err))
    this.#socket.on('close', () => this.#fail(new Error('connection closed')))
  }

  ask(method: string, path: string, headers: Record<string, string>, body?: WireBody): Promise<WireAnswer> {
    if (this.#pending) throw new Error('one request at a time')
    const told = { host: this.#host, ...headers, ...framing(method, body) }
    const lines = Object.entries(told).map(([name, value]) => `${name}: ${value}\r\n`)
    return new Promise((resolve, reject) => {
      this.#pending = { isHead: method === 'HEAD', received: '', resolve, reject }
      this.#socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`)
      if (Buffer.isBuffer(body)) this.#socket.write(body)
      else if (body) this.#send(body)
    })
  }

  close(): void {
    this.#pending = undefined
    this.#socket.destroy()
  }

  #send(body: Exclude<WireBody, Buffer>): void {
    const { block } = body.load
    let left = sizeOf(body)
    const proceed = (): void => {
      while (left > 0) {
        const piece = block.subarray(0, left)
        left -= piece.length
        if (body.chunked) this.#socket.write(`${piece.length.toString(16)}\r\n`)
        const isReady = this.#socket.write(piece)
        if (body.chunked) this.#socket.write(left > 0 ? '\r\n' : '\r\n0\r\n\r\n')
        if (!isReady && left > 0) return void this.#socket.once('drain', proceed)
      }
    }
    proceed()
  }

  #take(text: string): void {
    const pending = this.#pending
    if (!pending) return
    pending.received += text
    const end = pending.received.indexOf(END_OF_HEAD)
    if (end < 0) return
    const head = pending.received.slice(0, end + 2)
    const answer = { status: Number(head.slice(9, 12)), head, text: pending.received.slice(end + END_OF_HEAD.length) }
    const isEmpty = pending.isHead || answer.status === 204 || answer.status === 304
    if (!isEmpty && answer.text.length < Number(headerOf(answer, 'content-length') ?? 0)) return
    this.#pending = undefined
    pending.resolve(answer)
  }

  #fail(err: Error): void {
    this.#pending?.reject(err)
    this.#pending = undefined
  }
}

function sizeOf({ load, from = 0, bytes }: Exclude<WireBody, Buffer>): number {
  return Math.min(bytes ?? load.sizeBytes, load.sizeBytes - from)
}

function framing(method: string, body: WireBody | undefined): Record<string, string> {
  if (body === undefined) return method === 'GET' || method === 'HEAD' ? {} : { 'content-length': '0' }
  if (Buffer.isBuffer(body)) return { 'content-length': String(body.length) }
  return body.chunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': String(sizeOf(body)) }
}
