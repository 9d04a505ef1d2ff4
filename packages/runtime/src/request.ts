import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { isIP } from 'node:net'
import { contextOfHeaders, withContext } from './context.ts'
import type { Logger } from './log.ts'
import type { HttpMetrics } from './metrics.ts'
import { beginSpan } from './span.ts'

export interface RequestObserver {
  log: Logger
  metrics: HttpMetrics
  /** A word of a small fixed set for the request, used as a label; never the path itself. */
  operation: (req: IncomingMessage) => string
}

/**
 * Runs each request in its context: request id made or kept and echoed, trace and the client's address carried, one log
 * line and one set of metrics when it is over. For services behind the gateway, which alone says `X-Forwarded-For`.
 */
export function observed(handler: RequestListener, observer: RequestObserver): RequestListener {
  const { log, metrics } = observer
  return (req: IncomingMessage, res: ServerResponse & { req: IncomingMessage }) => {
    const inbound = { ...contextOfHeaders(req.headers), address: addressOf(req) }
    const isRoot = req.headers.traceparent !== inbound.traceparent
    const span = beginSpan(`${req.method} ${observer.operation(req)}`, 'SERVER', inbound, { isRoot })
    const { context } = span
    withContext(context, () => {
      const began = process.hrtime.bigint()
      // As it came: a router shows its routes only what is left of the path.
      const path = (req.url ?? '').split('?')[0]
      res.setHeader('x-request-id', context.requestId)
      metrics.inFlight.inc()
      res.once('close', () => {
        const seconds = Number(process.hrtime.bigint() - began) / 1e9
        const labels = { method: req.method ?? '', code: String(res.statusCode), operation: observer.operation(req) }
        span.end(res.statusCode >= 500 ? new Error('answered with 5xx') : undefined)
        metrics.inFlight.dec()
        metrics.requests.inc(labels)
        metrics.seconds.observe(labels, seconds)
        // When the client breaks off this runs outside of every context.
        withContext(context, () =>
          log.info('request', {
            method: req.method,
            path,
            status: res.statusCode,
            ms: Math.round(seconds * 1e5) / 100,
            ...(res.writableFinished ? {} : { aborted: true }),
          }),
        )
      })
      handler(req, res)
    })
  }
}

function addressOf(req: IncomingMessage): string | undefined {
  const forwarded = req.headers['x-forwarded-for']
  return typeof forwarded === 'string' && isIP(forwarded) !== 0 ? forwarded : req.socket.remoteAddress
}
