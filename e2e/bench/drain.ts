import { connect, type Socket } from 'node:net'

const BUFFER_BYTES = 256 * 1024
const END_OF_HEAD = '\r\n\r\n'

interface Pending {
  method: string
  head: string
  /** Bytes of the body still to come; undefined until the head is whole. */
  left: number | undefined
  status: number
  sizeBytes: number
  resolve(answer: { status: number; sizeBytes: number }): void
  reject(err: Error): void
}

/**
 * One keep-alive connection that reads answers into a buffer of its own and throws them away: the cheapest client Node
 * can be, so that what is measured is the server. Answers need a Content-Length. One request at a time.
 */
export class Drain {
  readonly #socket: Socket
  #pending: Pending | undefined
  readonly #host: string

  constructor(base: string) {
    const { hostname, port, host } = new URL(base)
    this.#host = host
    const buffer = Buffer.allocUnsafe(BUFFER_BYTES)
    this.#socket = connect({
      host: hostname,
      port: Number(port),
      noDelay: true,
      onread: {
        buffer,
        callback: (count) => {
          this.#take(buffer.subarray(0, count))
          return true
        },
      },
    })
    this.#socket.on('error', (err) => this.#fail(err))
    this.#socket.on('close', () => this.#fail(new Error('connection closed')))
  }

  ask(
    method: 'GET' | 'HEAD',
    path: string,
    headers: Record<string, string>,
  ): Promise<{ status: number; sizeBytes: number }> {
    if (this.#pending) throw new Error('one request at a time')
    const lines = Object.entries({ host: this.#host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
    return new Promise((resolve, reject) => {
      this.#pending = { method, head: '', left: undefined, status: 0, sizeBytes: 0, resolve, reject }
      this.#socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`)
    })
  }

  close(): void {
    this.#pending = undefined
    this.#socket.destroy()
  }

  #fail(err: Error): void {
    this.#pending?.reject(err)
    this.#pending = undefined
  }

  #take(bytes: Buffer): void {
    const pending = this.#pending
    if (!pending) return
    let body = bytes.length
    if (pending.left === undefined) {
      const before = pending.head.length
      pending.head += bytes.toString('latin1')
      const end = pending.head.indexOf(END_OF_HEAD)
      if (end < 0) return
      body = bytes.length - (end + END_OF_HEAD.length - before)
      pending.status = Number(pending.head.slice(9, 12))
      const length = /\r\ncontent-length: *(\d+)/i.exec(pending.head.slice(0, end + 2))
      if (!length) {
        this.#fail(new Error(`answer without a Content-Length: ${pending.head.slice(0, end)}`))
        return
      }
      pending.left = pending.method === 'HEAD' ? 0 : Number(length[1])
    }
    pending.left -= body
    pending.sizeBytes += body
    if (pending.left > 0) return
    this.#pending = undefined
    pending.resolve({ status: pending.status, sizeBytes: pending.sizeBytes })
  }
}

/** Requests a second that `connections` connections, each asking again as soon as it is answered, get answered. */
export async function requestRate(
  base: string,
  request: { method: 'GET' | 'HEAD'; path: string; headers: Record<string, string> },
  connections: number,
  seconds: number,
): Promise<number> {
  let answers = 0
  const began = performance.now()
  const end = began + seconds * 1000
  const worker = async (): Promise<void> => {
    const drain = new Drain(base)
    try {
      while (performance.now() < end) {
        const { status } = await drain.ask(request.method, request.path, request.headers)
        if (status !== 200) throw new Error(`${request.method} ${request.path}: ${status}`)
        answers += 1
      }
    } finally {
      drain.close()
    }
  }
  await Promise.all(Array.from({ length: connections }, worker))
  return answers / ((performance.now() - began) / 1000)
}
