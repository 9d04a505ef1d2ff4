import { connect } from 'node:net'

export interface NatsInfo {
  version: string
  jetstream: boolean
}

/** The line with which a NATS server greets; undefined when nobody answers within `ms`. */
export async function natsInfo(host: string, port: number, ms: number): Promise<NatsInfo | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    let text = ''
    const finish = (info: NatsInfo | undefined) => {
      socket.destroy()
      resolve(info)
    }
    socket.setEncoding('utf8')
    socket.setTimeout(ms, () => finish(undefined))
    socket.on('error', () => finish(undefined))
    socket.on('close', () => finish(undefined))
    socket.on('data', (chunk: string) => {
      text += chunk
      if (text.includes('\r\n') || text.length > 65_536) finish(parseInfo(text.split('\r\n')[0] ?? ''))
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
