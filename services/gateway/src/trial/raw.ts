import { connect } from 'node:net'

/**
 * Sends bytes as they are and gives back whatever comes until the other end closes or is quiet for `quietMs`.
 * Several `parts` go out with a pause between them.
 */
export function sendRaw(port: number, parts: string | string[], quietMs = 300): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    const done = () => {
      socket.destroy()
      resolve(text)
    }
    socket.setTimeout(quietMs, done)
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
    })
    socket.on('end', done)
    socket.on('error', (err: NodeJS.ErrnoException) => (err.code === 'ECONNRESET' ? done() : reject(err)))
    socket.on('connect', async () => {
      for (const part of [parts].flat()) {
        socket.write(Buffer.from(part, 'latin1'))
        await new Promise((next) => setTimeout(next, 20))
      }
    })
  })
}

/** The statuses of the answers in what came back, in their order. */
export function statusesOf(text: string): number[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]))
}
