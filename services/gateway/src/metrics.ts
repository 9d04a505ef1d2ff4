import { Counter, Gauge, httpMetrics, type Registry } from '@berth/runtime'
import type { ExchangeMetrics } from './exchange.ts'
import type { Pool } from './upstream/index.ts'

export interface GatewayMetrics {
  exchange: ExchangeMetrics
  failures: Counter<'route' | 'reason'>
  retries: Counter<'route'>
  refusals: Counter<'reason'>
  refusedLogins: Counter
}

export function gatewayMetrics(registry: Registry, pools: readonly Pool[]): GatewayMetrics {
  const registers = [registry]
  new Gauge({
    name: 'berth_gateway_upstreams',
    help: 'Replicas behind the gateway, by route and by the state the last look at them found',
    labelNames: ['route', 'state'],
    registers,
    collect() {
      this.reset()
      for (const { service: route, upstreams } of pools) {
        this.set({ route, state: 'ready' }, 0)
        for (const { state } of upstreams) this.inc({ route, state })
      }
    },
  })
  return {
    exchange: {
      http: httpMetrics(registry, 'berth_gateway_http'),
      bytes: new Counter({
        name: 'berth_gateway_body_bytes_total',
        help: 'Bytes of bodies passed on, in from clients and out to them',
        labelNames: ['route', 'direction'],
        registers,
      }),
    },
    failures: new Counter({
      name: 'berth_gateway_upstream_failures_total',
      help: 'Requests a replica did not take or did not answer, by how far they came',
      labelNames: ['route', 'reason'],
      registers,
    }),
    retries: new Counter({
      name: 'berth_gateway_retries_total',
      help: 'Requests passed on a second time',
      labelNames: ['route'],
      registers,
    }),
    refusals: new Counter({
      name: 'berth_gateway_refused_requests_total',
      help: 'Requests that could be read in two ways, or not at all',
      labelNames: ['reason'],
      registers,
    }),
    refusedLogins: new Counter({
      name: 'berth_gateway_refused_logins_total',
      help: 'Requests with credentials refused because their address had too many failures',
      registers,
    }),
  }
}
