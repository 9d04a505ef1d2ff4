import { get } from 'node:http'
import { connect } from 'node:net'
import type { Logger } from '@berth/runtime'
import type { Pool } from './pool.ts'
import { isReachable, type Upstream, type UpstreamState } from './upstream.ts'

const TIMEOUT_MS = 2_000
/** A replica that is busy for a moment is not taken out; one that refuses connections is, at once. */
const DOUBTS = 2

/** Asks every upstream every `intervalMs` how it is. The function it returns ends that. */
export function watchHealth(
  pools: readonly Pool[],
  options: { intervalMs: number; timeoutMs?: number; log: Logger },
): () => void {
  const { intervalMs, timeoutMs = TIMEOUT_MS, log } = options
  let stopped = false
  const timers = new Set<NodeJS.Timeout>()
  const watch = async (pool: Pool, upstream: Upstream): Promise<void> => {
    const found = await check(upstream, timeoutMs)
    if (stopped) return
    learn(pool, upstream, found, log)
    const timer = setTimeout(() => {
      timers.delete(timer)
      void watch(pool, upstream)
    }, intervalMs)
    timers.add(timer.unref())
  }
  for (const pool of pools) for (const upstream of pool.upstreams) void watch(pool, upstream)
  return () => {
    stopped = true
    for (const timer of timers) clearTimeout(timer)
  }
}

function learn(pool: Pool, upstream: Upstream, found: UpstreamState, log: Logger): void {
  const { state } = upstream
  if (found === state) {
    upstream.doubts = 0
    return
  }
  upstream.doubts++
  const isLoss = state === 'ready' && found !== 'refusing'
  if (isLoss && upstream.doubts < DOUBTS) return
  upstream.state = found
  upstream.doubts = 0
  const fields = { route: pool.service, upstream: upstream.name, state: found, before: state }
  if (found === 'ready') log.info('an upstream is ready', fields)
  else log.warn(isReachable(upstream) ? 'an upstream is not ready' : 'an upstream cannot be reached', fields)
}

/** Looks once. */
function check(upstream: Upstream, timeoutMs: number): Promise<UpstreamState> {
  return upstream.healthUrl ? askUrl(upstream.healthUrl, timeoutMs) : tryConnection(upstream, timeoutMs)
}

function askUrl(url: URL, timeoutMs: number): Promise<UpstreamState> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, signal: AbortSignal.timeout(timeoutMs) }, (response) => {
      response.resume()
      resolve(response.statusCode === 200 ? 'ready' : 'unready')
    })
    request.on('error', (err) => resolve(stateOf(err)))
  })
}

function tryConnection({ hostname, port }: Upstream, timeoutMs: number): Promise<UpstreamState> {
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port, timeout: timeoutMs })
    const done = (state: UpstreamState) => {
      resolve(state)
      socket.destroy()
    }
    socket.once('connect', () => done('ready'))
    socket.once('timeout', () => done('silent'))
    socket.once('error', (err) => done(stateOf(err)))
  })
}

function stateOf(err: Error & { code?: unknown }): UpstreamState {
  return err.name === 'AbortError' || err.name === 'TimeoutError' || err.code === 'ETIMEDOUT' ? 'silent' : 'refusing'
}
