import { connect } from 'node:net'

export interface NatsInfo {
  version: string
  jetstream: boolean
}

/** The line with which a NATS server greets; undefined when nobody answers within `ms`. */
export async function natsInfo(host: string, port: number, ms: number): Promise<NatsInfo | undefined> {
  return converse({ host, port, ms }, (line) => ({ answer: parseInfo(line) }))
}

/** Whether the server lets this user in. */
export async function mayConnect(port: number, user: string, pass: string): Promise<boolean> {
  const hello = `CONNECT ${JSON.stringify({ user, pass, verbose: false, pedantic: false })}\r\nPING\r\n`
  const admitted = await converse({ host: '127.0.0.1', port, ms: 3_000 }, (line) => {
    if (line.startsWith('INFO ')) return { say: hello }
    return line.startsWith('PONG') || line.startsWith('-ERR') ? { answer: line.startsWith('PONG') } : {}
  })
  return admitted ?? false
}

type Turn<T> = { answer?: T | undefined; say?: string }

function converse<T>(
  to: { host: string; port: number; ms: number },
  onLine: (line: string) => Turn<T>,
): Promise<T | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: to.host, port: to.port })
    let rest = ''
    const finish = (answer: T | undefined) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setEncoding('utf8')
    socket.setTimeout(to.ms, () => finish(undefined))
    socket.on('error', () => finish(undefined))
    socket.on('close', () => finish(undefined))
    socket.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\r\n')
      rest = lines.pop() ?? ''
      if (rest.length > 65_536) return finish(undefined)
      for (const line of lines) {
        const turn = onLine(line)
        if (turn.say !== undefined) socket.write(turn.say)
        else if ('answer' in turn) return finish(turn.answer)
      }
    })
  })
}

export function parseInfo(line: string): NatsInfo | undefined {
  if (!line.startsWith('INFO ')) return undefined
  try {
    const info: { version?: unknown; jetstream?: unknown } = JSON.parse(line.slice('INFO '.length))
    return typeof info.version === 'string' ? { version: info.version, jetstream: info.jetstream === true } : undefined
  } catch {
    return undefined
  }
}
