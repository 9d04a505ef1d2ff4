import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'

/** For tests: a receiver of syslog that reads messages by the length before each. */
export interface SyslogReceiver {
  port: number
  /** Whole messages, in the order they came. */
  messages: string[]
  /** How often somebody connected. */
  connections: number
  /** Hangs up on everybody who is connected. */
  hangUp(): void
  stop(): Promise<void>
}

/** @param options `pem` holds key and certificate: then it speaks TLS. `port`: any, unless told */
export async function openSyslogReceiver(options: { pem?: string; port?: number } = {}): Promise<SyslogReceiver> {
  const { pem, port = 0 } = options
  const open = new Set<Socket>()
  const receiver: SyslogReceiver = {
    port,
    messages: [],
    connections: 0,
    hangUp: () => {
      for (const socket of open) socket.destroy()
    },
    stop: async () => {
      receiver.hangUp()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
  const serve = (socket: Socket) => {
    receiver.connections++
    open.add(socket)
    let rest: Buffer = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      rest = takeMessages(Buffer.concat([rest, chunk]), receiver.messages)
    })
    socket.on('error', () => socket.destroy())
    socket.once('close', () => open.delete(socket))
  }
  const server: Server = pem === undefined ? createServer(serve) : createTlsServer({ key: pem, cert: pem }, serve)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  receiver.port = (server.address() as { port: number }).port
  return receiver
}

/** Answers what is left over. */
function takeMessages(bytes: Buffer, into: string[]): Buffer {
  for (let rest = bytes; ; ) {
    const space = rest.indexOf(' ')
    if (space < 0) return rest
    const length = Number(rest.toString('ascii', 0, space))
    if (!Number.isInteger(length)) throw new Error(`no length before a message: ${rest.toString('utf8', 0, 40)}`)
    if (rest.length < space + 1 + length) return rest
    into.push(rest.toString('utf8', space + 1, space + 1 + length))
    rest = rest.subarray(space + 1 + length)
  }
}
