import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { type Counter, type Logger, renderError, withContext } from '@berth/runtime'
import { type Client, clientOf, countedAs, type ExternalUrl, type Network } from './client/index.ts'
import type { Dispatcher } from './dispatch.ts'
import { type Exchange, type ExchangeMetrics, openExchange } from './exchange.ts'
import { type Answer, clientHeaders, type Passing, upstreamHeaders } from './forward/index.ts'
import { type Head, parsePath, RequestRefused, readHead } from './guard/index.ts'
import {
  type Admission,
  type FailedLogins,
  findCredential,
  kindOf,
  type RequestKind,
  readLoginForm,
  TooManyFailures,
  verdictOf,
} from './limit/index.ts'
import { type HttpsDoor, httpsUrl } from './redirect.ts'
import { routeOf, sessionOf } from './route.ts'
import { HEALTH_PATH, type SuiteHealth } from './suite-health.ts'

export interface AppDeps {
  dispatcher: Dispatcher
  failedLogins: FailedLogins
  health: SuiteHealth
  trusted: readonly Network[]
  external?: ExternalUrl
  /** Answer plain HTTP with a redirect to this door. */
  redirect?: HttpsDoor
  /** True from the moment stopping begins: answers then end their connection. */
  isStopping: () => boolean
  log: Logger
  metrics: ExchangeMetrics
  refusals: Counter<'reason'>
}

export type App = (req: IncomingMessage, res: ServerResponse, expectsContinue: boolean) => void

/** What happens to a request, in this order: framing, path, client, redirect, route, failed logins, forwarding. */
export function createApp(deps: AppDeps): App {
  const { log, metrics } = deps
  return (req, res, expectsContinue) => {
    const exchange = openExchange(req, res, expectsContinue, { log, metrics })
    withContext(exchange.context, () => {
      serve(exchange, deps).catch((err) => withContext(exchange.context, () => refuse(exchange, err, deps)))
    })
  }
}

async function serve(exchange: Exchange, deps: AppDeps): Promise<void> {
  const { req } = exchange
  const target = req.url ?? ''
  const head = readHead(req)
  const path = parsePath(target)
  const client = clientOf(arrivalOf(req, head), deps)
  exchange.client = client
  if (deps.redirect && client.arrivedBy === 'http') {
    return redirect(exchange, httpsUrl(client, target, deps.redirect), deps)
  }
  const route = routeOf(path)
  exchange.route = route
  if (path === HEALTH_PATH && req.method === 'GET' && !head.hasBody) return answerHealth(exchange, deps)
  const session = route === 'registry' ? sessionOf(path) : undefined

  const kind = kindOf(req.method ?? '', path)
  const loginForm = kind === 'login' && head.hasBody ? await gather(exchange) : undefined
  const admission = await admit(exchange, client, deps, { kind, loginForm })
  const { headers } = req
  req.headers = upstreamHeaders(headers, head.hopByHop, client, exchange.context)
  try {
    await deps.dispatcher.dispatch(exchange, route, session, {
      body: loginForm ?? (head.hasBody ? 'stream' : 'none'),
      expectsContinue: exchange.expectsContinue,
      onBytesIn: (count) => {
        exchange.bytesIn += count
      },
      onBytesOut: (count) => {
        exchange.bytesOut += count
      },
      writeHead: (answer) => {
        admission?.settle(verdictOf(kind, answer.statusCode ?? 0, answer.headers['x-berth-credentials']))
        writeHead(exchange, answer, deps)
      },
    } satisfies Passing)
  } finally {
    admission?.settle('unknown')
  }
}

function arrivalOf(req: IncomingMessage, { host }: Head) {
  const { encrypted } = req.socket as Partial<TLSSocket>
  return { headers: req.headers, host, peer: req.socket.remoteAddress, encrypted: encrypted === true }
}

/** The form of a login is held, to know its credential again; the client may be waiting to be asked for it. */
async function gather({ req, res, expectsContinue }: Exchange): Promise<Buffer> {
  if (expectsContinue) res.writeContinue()
  return readLoginForm(req)
}

async function admit(
  { req, res }: Exchange,
  client: Client,
  { failedLogins }: AppDeps,
  { kind, loginForm }: { kind: RequestKind; loginForm?: Buffer },
): Promise<Admission | undefined> {
  const address = countedAs(client.address)
  const credential = findCredential({ address, headers: req.headers, kind, loginForm })
  if (credential === undefined) return undefined
  const gone = new AbortController()
  const leave = () => gone.abort()
  res.once('close', leave)
  try {
    return await failedLogins.admit(address, credential, gone.signal)
  } catch (err) {
    if (!(err instanceof TooManyFailures) || (kind !== 'token' && kind !== 'registry')) throw err
    throw new TooManyFailures(err.retryAfterSeconds ?? 1, 'TOOMANYREQUESTS')
  } finally {
    res.off('close', leave)
  }
}

function writeHead({ res, context }: Exchange, answer: Answer, { isStopping }: AppDeps): void {
  if (isStopping()) res.shouldKeepAlive = false
  const headers = clientHeaders(answer.rawHeaders, answer.headers.connection)
  headers.push('X-Request-Id', context.requestId)
  res.writeHead(answer.statusCode ?? 502, answer.statusMessage, headers)
}

function redirect({ req, res, context }: Exchange, location: string, { isStopping }: AppDeps): void {
  if (isStopping()) res.shouldKeepAlive = false
  res.writeHead(308, { location, 'content-length': '0', 'x-request-id': context.requestId }).end()
  req.resume()
}

/** Always 200, whatever is down; what is, stands in the body. */
async function answerHealth({ res, context }: Exchange, { health, isStopping }: AppDeps): Promise<void> {
  const text = await health()
  if (isStopping()) res.shouldKeepAlive = false
  res.writeHead(200, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-request-id': context.requestId,
  })
  res.end(text)
}

/** Our own answers; nobody behind us had a say. */
function refuse({ req, res, context, route }: Exchange, err: unknown, { isStopping, log, refusals }: AppDeps): void {
  if (res.destroyed) return
  if (err instanceof RequestRefused) refusals.inc({ reason: err.code })
  if (!res.headersSent) {
    // What follows a request that can be read in two ways is not looked at.
    if (isStopping() || err instanceof RequestRefused) res.shouldKeepAlive = false
    res.setHeader('x-request-id', context.requestId)
    res.setHeader('x-content-type-options', 'nosniff')
    if (route === 'registry' || req.url?.startsWith('/v2/')) {
      res.setHeader('docker-distribution-api-version', 'registry/2.0')
    }
  }
  renderError(res, err, log)
}
