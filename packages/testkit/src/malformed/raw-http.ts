import { connect } from 'node:net'
import type { RawRequest } from './malformed-request.ts'

const SILENCE_MS = 20_000

export interface RawAnswer {
  status: number
  headers: ReadonlyMap<string, string>
  body: Buffer
}

/**
 * Sends a request byte for byte on a connection of its own. Undefined: the connection was closed without an answer.
 *
 * @param url `http://127.0.0.1:1234`
 */
export function sendRaw(
  url: string,
  request: RawRequest,
  more: Record<string, string>,
): Promise<RawAnswer | undefined> {
  const { host, hostname, port } = new URL(url)
  const { method, target, body, isTorn } = request
  const headers = new Map([['host', host], ...Object.entries(more), ...request.headers])
  if (body.length > 0 || method === 'PUT' || method === 'PATCH' || method === 'POST') {
    headers.set('content-length', String(body.length))
  }
  headers.set('connection', 'close')
  const head = [`${method} ${target} HTTP/1.1`, ...[...headers].map(([name, value]) => `${name}: ${value}`), '', '']
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => {
      socket.write(Buffer.from(head.join('\r\n'), 'latin1'))
      if (isTorn) socket.end(body.subarray(0, body.length >> 1))
      else socket.write(body)
    })
    const chunks: Buffer[] = []
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('close', () => resolve(readAnswer(Buffer.concat(chunks))))
    // A server that has answered need not take the rest.
    socket.on('error', () => undefined)
    socket.setTimeout(SILENCE_MS, () => {
      socket.destroy()
      reject(new Error(`no answer to ${method} ${target}`))
    })
  })
}

function readAnswer(bytes: Buffer): RawAnswer | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end === -1) return undefined
  const [first = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n')
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1])
  const rest = bytes.subarray(end + 4)
  // "Go on" comes before the answer.
  if (status >= 100 && status < 200) return readAnswer(rest)
  const headers = new Map(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  )
  return { status, headers, body: rest }
}
