import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** What a service behind the gateway saw of a request. */
export interface Seen {
  method: string
  url: string
  headers: IncomingHttpHeaders
  body: string
  /** Counts the connections of the service, from 1. */
  connection: number
}

/** A small service for tests: answers 200 with its name unless told otherwise, and remembers what it saw. */
export interface Service {
  readonly name: string
  readonly port: number
  readonly url: string
  readonly seen: Seen[]
  /** Requests whose answer is not finished. */
  running(): number
  /** Takes over all further requests. */
  answer(listener: RequestListener | undefined): void
  /** Drops every connection and listens no more, as a process does that is killed. */
  kill(): Promise<void>
  /** Listens again on the same port. */
  revive(): Promise<void>
}

export async function openService(name: string, port = 0): Promise<Service> {
  const seen: Seen[] = []
  const sockets = new Set<Socket>()
  const numbers = new WeakMap<Socket, number>()
  let listener: RequestListener | undefined
  let running = 0
  let connections = 0
  let server: Server

  const handle: RequestListener = (req, res) => {
    running++
    res.once('close', () => running--)
    if (listener) return listener(req, res)
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      const { method = '', url = '', headers } = req
      const body = Buffer.concat(chunks).toString('latin1')
      seen.push({ method, url, headers, body, connection: numbers.get(req.socket) ?? 0 })
      res.writeHead(200, { 'content-length': name.length }).end(name)
    })
  }
  const open = async (at: number): Promise<number> => {
    server = createServer(handle)
    server.on('connection', (socket: Socket) => {
      numbers.set(socket, ++connections)
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
    })
    server.listen(at, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }
  const bound = await open(port)
  return {
    name,
    port: bound,
    url: `http://127.0.0.1:${bound}`,
    seen,
    running: () => running,
    answer: (next) => {
      listener = next
    },
    kill: async () => {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
    revive: async () => void (await open(bound)),
  }
}
