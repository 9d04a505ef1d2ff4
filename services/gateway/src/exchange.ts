import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  beginSpan,
  type Counter,
  contextOfHeaders,
  type HttpMetrics,
  type Logger,
  type WorkContext,
  withContext,
} from '@berth/runtime'
import type { Client } from './client/index.ts'
import type { Routed } from './config.ts'

/** One request and its answer, and what is learned of them on the way. */
export interface Exchange {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly context: WorkContext
  /** The client waits for `100 Continue`. */
  readonly expectsContinue: boolean
  route?: Routed
  client?: Client
  /** Whoever answered, or was last asked to. */
  upstream?: string
  attempts: number
  bytesIn: number
  bytesOut: number
}

export interface ExchangeMetrics {
  http: HttpMetrics
  bytes: Counter<'route' | 'direction'>
}

/** Opens an exchange; when it is over it is one line in the log and one sample in each metric. */
export function openExchange(
  req: IncomingMessage,
  res: ServerResponse,
  expectsContinue: boolean,
  observer: { log: Logger; metrics: ExchangeMetrics },
): Exchange {
  const began = performance.now()
  const inbound = contextOfHeaders(req.headers)
  const isRoot = req.headers.traceparent !== inbound.traceparent
  const span = beginSpan(`${req.method} at the gateway`, 'SERVER', inbound, { isRoot })
  const { context } = span
  const exchange: Exchange = { req, res, context, expectsContinue, attempts: 0, bytesIn: 0, bytesOut: 0 }
  const { log, metrics } = observer
  // What the head said, before it is rewritten for whoever is behind us.
  const { method = '', url = '' } = req
  const agent = req.headers['user-agent']
  metrics.http.inFlight.inc()
  res.once('close', () => {
    const ms = performance.now() - began
    const { route = 'none', client, upstream, attempts, bytesIn, bytesOut } = exchange
    const labels = { method, code: String(res.statusCode), operation: route }
    span.end(res.statusCode >= 500 ? new Error('answered with 5xx') : undefined)
    metrics.http.inFlight.dec()
    metrics.http.requests.inc(labels)
    metrics.http.seconds.observe(labels, ms / 1000)
    metrics.bytes.inc({ route, direction: 'in' }, bytesIn)
    metrics.bytes.inc({ route, direction: 'out' }, bytesOut)
    // When a socket breaks this runs outside of every context.
    withContext(context, () =>
      log.info('request', {
        method,
        path: pathOf(url),
        status: res.statusCode,
        ms: Math.round(ms * 100) / 100,
        bytesIn,
        bytesOut,
        address: client?.address ?? req.socket.remoteAddress,
        ...(agent === undefined ? {} : { userAgent: agent.slice(0, 200) }),
        ...(upstream === undefined ? {} : { upstream }),
        ...(attempts > 1 ? { attempts } : {}),
        ...(res.writableFinished ? {} : { aborted: true }),
      }),
    )
  })
  return exchange
}

/** Queries carry secrets (codes of logins, tokens) and stay out of logs. */
function pathOf(url: string): string {
  return (url.split('?', 1)[0] ?? '').slice(0, 1024)
}
