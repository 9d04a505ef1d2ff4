import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream/promises'

export interface Seen {
  method: string
  /** With its query. */
  path: string
  status: number
  requestId: string | undefined
}

export interface Recorder {
  url: string
  /** `127.0.0.1:port`, for clients that name a registry. */
  host: string
  /** What passed since the last `clear`, in the order of the answers. */
  seen: Seen[]
  clear(): void
  stop(): Promise<void>
}

/** Stands before the suite, changes nothing (Host included) and notes what clients ask and what is answered. */
export async function startRecorder(target: string): Promise<Recorder> {
  const seen: Seen[] = []
  const upstream = new URL(target)
  const server = createServer((incoming, answer) => {
    const { method = 'GET', url: path = '/', headers } = incoming
    const outgoing = request({ host: upstream.hostname, port: upstream.port, method, path, headers, agent: false })
    outgoing.once('response', (response) => {
      const requestId = response.headers['x-request-id']
      seen.push({ method, path, status: response.statusCode ?? 0, requestId: requestId?.toString() })
      answer.writeHead(response.statusCode ?? 502, response.rawHeaders)
      pipeline(response, answer).catch(() => answer.destroy())
    })
    outgoing.once('error', () => answer.destroy())
    answer.once('close', () => outgoing.destroy())
    pipeline(incoming, outgoing).catch(() => outgoing.destroy())
  })
  server.requestTimeout = 0
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url: `http://${host}`,
    host,
    seen,
    clear: () => seen.splice(0),
    stop: () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      return closed
    },
  }
}

/** Requests that send bytes or begin to: what a push that has nothing to upload must not make. */
export const uploads = (seen: readonly Seen[]): Seen[] =>
  seen.filter((one) => one.path.includes('/blobs/uploads') && ['POST', 'PATCH', 'PUT'].includes(one.method))
