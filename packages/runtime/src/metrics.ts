import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

export { Counter, Gauge, Histogram, Registry } from 'prom-client'

/** A registry of its own with the process's metrics, labelled with the service. */
export function createMetrics(service: string): Registry {
  const registry = new Registry()
  registry.setDefaultLabels({ service })
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 20 })
  return registry
}

export interface HttpMetrics {
  inFlight: Gauge
  requests: Counter<'method' | 'code' | 'operation'>
  seconds: Histogram<'method' | 'code' | 'operation'>
}

/** `<prefix>_requests_total`, `<prefix>_request_duration_seconds`, `<prefix>_in_flight_requests`. */
export function httpMetrics(registry: Registry, prefix: string): HttpMetrics {
  const labelNames = ['method', 'code', 'operation'] as const
  return {
    inFlight: new Gauge({
      name: `${prefix}_in_flight_requests`,
      help: 'Requests being answered',
      registers: [registry],
    }),
    requests: new Counter({
      name: `${prefix}_requests_total`,
      help: 'Requests answered',
      labelNames,
      registers: [registry],
    }),
    seconds: new Histogram({
      name: `${prefix}_request_duration_seconds`,
      help: 'Time from the first byte of a request to the last of its answer',
      labelNames,
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60],
      registers: [registry],
    }),
  }
}
