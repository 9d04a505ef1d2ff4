import { once } from 'node:events'
import { createServer, type Server, type ServerOptions, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import { type AddressInfo, Server as NetServer } from 'node:net'
import type { Duplex } from 'node:stream'
import { type Address, type Logger, MAX_HEADER_BYTES } from '@berth/runtime'
import type { App } from '../app.ts'
import type { Pair } from '../tls/index.ts'
import { answerRaw } from './raw-answer.ts'

const SERVER_OPTIONS: ServerOptions = {
  maxHeaderSize: MAX_HEADER_BYTES,
  // Layers take as long as they take; a head does not.
  requestTimeout: 0,
  headersTimeout: 30_000,
  // Longer than the 60 s after which balancers in front of us let go of a connection.
  keepAliveTimeout: 75_000,
  // We look at Host ourselves, and answer in our own words.
  requireHostHeader: false,
}
/** A transfer on which nothing moved for so long is given up. */
const STALLED_MS = 15 * 60_000
/** Requests that were on their way when we stopped listening still get an answer. */
const LINGER_MS = 250
const SWEEP_MS = 50

export interface Door {
  readonly port: number
  /** Takes a new certificate for the connections to come. */
  setPair(pair: Pair): void
  /**
   * Stops listening, lets every running answer end and closes its connection. The app must end connections from now on.
   */
  close(): Promise<void>
}

/** Opens a public door: plain, or with TLS 1.2 and newer when there is a `pair`. */
export async function openDoor(options: {
  app: App
  address: Address
  reusePort: boolean
  pair?: Pair
  log: Logger
}): Promise<Door> {
  const { app, address, pair, log } = options
  const server = pair ? createTlsServer({ ...SERVER_OPTIONS, ...tlsOptions(pair) }) : createServer(SERVER_OPTIONS)
  // Cut off by the server's own limit a header would be seen by the parser and not by us; the app counts them.
  server.maxHeadersCount = 0
  server.setTimeout(STALLED_MS)
  const running = track(server)
  server.on('request', (req, res) => app(req, res, false))
  server.on('checkContinue', (req, res) => app(req, res, true))
  server.on('connect', (_req, socket) => answerRaw(socket, 400, 'BAD_REQUEST', 'CONNECT is not served'))
  server.on('clientError', (err, socket) => refuseUnparsed(err, socket, running))
  server.on('tlsClientError', (err) => log.debug('a TLS handshake failed', { err }))

  server.listen({ host: address.host, port: address.port, reusePort: options.reusePort })
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    setPair: (fresh) => (server as TlsServer).setSecureContext(tlsOptions(fresh)),
    close: () => close(server, running),
  }
}

function tlsOptions({ cert, key }: Pair) {
  return { cert, key, minVersion: 'TLSv1.2' as const }
}

/** The answer each connection is waiting for. */
type Running = Map<Duplex, ServerResponse>

function track(server: Server): Running {
  const running: Running = new Map()
  const add = ({ socket }: { socket: Duplex }, res: ServerResponse) => {
    running.set(socket, res)
    res.once('close', () => {
      if (running.get(socket) === res) running.delete(socket)
    })
  }
  server.on('request', add)
  server.on('checkContinue', add)
  return running
}

const STATUS_OF_FAULT: Record<string, number> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 }

function refuseUnparsed(err: Error & { code?: string }, socket: Duplex, running: Running): void {
  // In the middle of an answer a second one would be read as part of it.
  const isAnswering = running.get(socket)?.headersSent ?? false
  if (err.code === 'ECONNRESET' || !socket.writable || isAnswering) return void socket.destroy()
  const status = STATUS_OF_FAULT[err.code ?? ''] ?? 400
  answerRaw(socket, status, 'BAD_REQUEST', 'the request cannot be read')
  running.get(socket)?.destroy()
}

async function close(server: Server, running: Running): Promise<void> {
  // The close of an HTTP server would cut idle connections at once, with requests already under way on them.
  NetServer.prototype.close.call(server)
  await pause(LINGER_MS)
  for (;;) {
    server.closeIdleConnections()
    if (running.size === 0) break
    await pause(SWEEP_MS)
  }
  server.closeAllConnections()
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
