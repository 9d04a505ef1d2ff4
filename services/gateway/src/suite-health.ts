import { get } from 'node:http'
import { currentContext } from '@berth/runtime'
import type { ComponentHealth } from '@berth/types'
import type { Routed } from './config.ts'
import type { Pool } from './upstream/index.ts'

export const HEALTH_PATH = '/api/v2.0/health'
/** Core bounds what it asks to 1.5 s; whoever asks us has an answer within two. */
const PATIENCE_MS = 1_750
const MAX_BYTES = 64 * 1024
const UNKNOWN: readonly ComponentHealth['name'][] = ['database', 'log-collector', 'nats', 'storage']

/** The body of `GET /api/v2.0/health`; never throws. */
export type SuiteHealth = () => Promise<string>

/**
 * Passes on what core says of the parts. When core does not say it in time we say what we know ourselves: that core is
 * gone, whether registry and token answer us, and that the rest is not known.
 */
export function suiteHealth(pools: Record<Routed, Pool>, own: () => ComponentHealth): SuiteHealth {
  return async () => {
    try {
      return await askCore(pools.core)
    } catch {
      return JSON.stringify({ status: 'unhealthy', components: withoutCore(pools, own()) })
    }
  }
}

function askCore(core: Pool): Promise<string> {
  const upstream = core.pick({})
  if (!upstream) return Promise.reject(new Error('no replica of core answers'))
  const { hostname: host, port } = upstream
  const context = currentContext()
  const headers = context && { 'x-request-id': context.requestId, traceparent: context.traceparent }
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(PATIENCE_MS)
    const req = get({ host, port, path: HEALTH_PATH, headers, signal, agent: false }, (answer) => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (chunk: string) => {
        text += chunk
        if (text.length > MAX_BYTES) req.destroy(new Error('that is no health'))
      })
      answer.on('error', reject)
      answer.on('end', () => (answer.statusCode === 200 ? resolve(text) : reject(new Error('core has other worries'))))
    })
    req.on('error', reject)
  })
}

function withoutCore(pools: Record<Routed, Pool>, own: ComponentHealth): ComponentHealth[] {
  const seen = (['registry', 'token'] as const).map((name): ComponentHealth => {
    if (pools[name].upstreams.some(({ state }) => state === 'ready')) return { name, status: 'healthy' }
    return { name, status: 'unhealthy', error: `${name} cannot be reached` }
  })
  const unknown = UNKNOWN.map((name): ComponentHealth => {
    return { name, status: 'unhealthy', error: 'not known while core cannot be reached' }
  })
  const core: ComponentHealth = { name: 'core', status: 'unhealthy', error: 'core cannot be reached' }
  return [core, own, ...seen, ...unknown].sort((a, b) => (a.name < b.name ? -1 : 1))
}
