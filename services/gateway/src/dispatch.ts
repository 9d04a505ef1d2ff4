import { DomainError, type ErrorCode, Unavailable } from '@berth/errors'
import type { Counter, Logger } from '@berth/runtime'
import type { Routed } from './config.ts'
import type { Exchange } from './exchange.ts'
import { type Forwarder, ForwardFailed, type Passing } from './forward/index.ts'
import type { Pool, Upstream } from './upstream/index.ts'

const RETRY_AFTER_SECONDS = 5
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/** A service had the request and did not answer it whole; nobody knows what it did. */
class UpstreamFailed extends DomainError {
  override name = 'UpstreamFailed'
  readonly code: ErrorCode

  constructor(code: 'BAD_GATEWAY' | 'GATEWAY_TIMEOUT', message: string, cause: unknown) {
    super(message, { cause, retryAfterSeconds: RETRY_AFTER_SECONDS })
    this.code = code
  }
}

export interface Dispatcher {
  /**
   * Passes the request on to a replica of its service, to a second one if the first was not there; a read also if the
   * first died before it answered.
   *
   * @throws {Unavailable} no replica can be reached
   * @throws {UpstreamFailed} one has the request and died (502) or kept silent (504)
   */
  dispatch(exchange: Exchange, route: Routed, session: string | undefined, passing: Passing): Promise<void>
}

export function createDispatcher(deps: {
  pools: Record<Routed, Pool>
  forwarder: Forwarder
  failures: Counter<'route' | 'reason'>
  retries: Counter<'route'>
  log: Logger
}): Dispatcher {
  const { pools, forwarder, failures, retries, log } = deps

  async function attempt(
    exchange: Exchange,
    pool: Pool,
    upstream: Upstream,
    passing: Passing,
  ): Promise<ForwardFailed | undefined> {
    exchange.upstream = upstream.name
    exchange.attempts++
    try {
      await forwarder.forward(exchange.req, exchange.res, upstream, passing)
      return undefined
    } catch (err) {
      if (!(err instanceof ForwardFailed)) throw err
      const { stage, timedOut, cause } = err
      failures.inc({ route: pool.service, reason: timedOut ? `${stage}_timeout` : stage })
      log.warn('could not forward', { route: pool.service, upstream: upstream.name, stage, timedOut, err: cause })
      if (stage === 'connect') pool.eject(upstream, timedOut ? 'silent' : 'refusing')
      return err
    }
  }

  return {
    async dispatch(exchange, route, session, passing) {
      const pool = pools[route]
      const first = pool.pick({ session })
      if (!first) throw new Unavailable(`${route} cannot be reached`, { retryAfterSeconds: RETRY_AFTER_SECONDS })
      const failed = await attempt(exchange, pool, first, passing)
      if (!failed) return
      if (exchange.res.destroyed || !mayRetry(exchange, failed, passing)) throw toError(route, failed)
      const second = pool.pick({ session, except: first })
      // Asking again where nobody listens is of no use; where a connection broke, it may have been an old one.
      if (!second || (second === first && failed.stage === 'connect')) throw toError(route, failed)
      retries.inc({ route })
      const failedAgain = await attempt(exchange, pool, second, passing)
      if (failedAgain) throw toError(route, failedAgain)
    },
  }
}

function mayRetry({ req }: Exchange, failed: ForwardFailed, passing: Passing): boolean {
  if (failed.stage === 'connect') return true
  return !failed.timedOut && passing.body === 'none' && IDEMPOTENT.has(req.method ?? '')
}

function toError(route: Routed, failed: ForwardFailed): DomainError {
  const { stage, timedOut, cause } = failed
  if (stage === 'connect') {
    return new Unavailable(`${route} cannot be reached`, { cause, retryAfterSeconds: RETRY_AFTER_SECONDS })
  }
  return timedOut
    ? new UpstreamFailed('GATEWAY_TIMEOUT', `${route} did not answer in time`, cause)
    : new UpstreamFailed('BAD_GATEWAY', `${route} died before it answered`, cause)
}
