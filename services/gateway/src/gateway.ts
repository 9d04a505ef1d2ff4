import type { Running } from '@berth/runtime'
import type { ComponentHealth } from '@berth/types'
import { type App, createApp } from './app.ts'
import { type Config, ROUTED, type Routed } from './config.ts'
import { createDispatcher } from './dispatch.ts'
import { type Door, openDoor } from './door/index.ts'
import { createForwarder } from './forward/index.ts'
import { limitFailedLogins, unlimitedLogins } from './limit/index.ts'
import { gatewayMetrics } from './metrics.ts'
import { suiteHealth } from './suite-health.ts'
import { openPair, readPair, watchPair } from './tls/index.ts'
import { createPool, type Pool, watchHealth } from './upstream/index.ts'

const HEALTH_INTERVAL_MS = 1_000
const CONNECT_TIMEOUT_MS = 3_000

export interface Gateway {
  readonly port: number
  readonly tlsPort?: number
  readonly pools: Record<Routed, Pool>
  health(): ComponentHealth
}

/** Opens all that forwarding needs: upstreams and their health, and the public doors. NATS is no part of it. */
export async function openGateway(config: Config, running: Running): Promise<Gateway> {
  const { log, life, metrics } = running
  const pools = openPools(config)
  const counted = gatewayMetrics(metrics, Object.values(pools))
  life.onStop('health checks', watchHealth(Object.values(pools), { intervalMs: HEALTH_INTERVAL_MS, log }))
  const { answerTimeoutMs, failedLoginsPerMinute: perMinute, external } = config
  const forwarder = createForwarder({ connectTimeoutMs: CONNECT_TIMEOUT_MS, answerTimeoutMs })
  life.onStop('connections to services', () => forwarder.close())

  const onRefused = () => counted.refusedLogins.inc()
  let validTo: (() => Date) | undefined
  const health = () => healthOf(validTo?.())
  const app = {
    dispatcher: createDispatcher({ pools, forwarder, failures: counted.failures, retries: counted.retries, log }),
    failedLogins: perMinute === 0 ? unlimitedLogins : limitFailedLogins({ perMinute, onRefused }),
    health: suiteHealth(pools, health),
    trusted: config.trustedProxies,
    external,
    isStopping: () => !life.running,
    log,
    metrics: counted.exchange,
    refusals: counted.refusals,
  }
  const tls = config.tls && (await openTlsDoor(config, config.tls, createApp(app), running))
  validTo = tls?.validTo
  const redirect = config.redirect ? { port: tls?.door.port ?? 443, external } : undefined
  const { listen: address, reusePort } = config
  const door = await openDoor({ app: createApp({ ...app, redirect }), address, reusePort, log })
  life.onStop('public doors', () => Promise.all([door.close(), tls?.door.close()]))
  return { port: door.port, tlsPort: tls?.door.port, pools, health }
}

function openPools({ upstreams }: Config): Record<Routed, Pool> {
  const entries = ROUTED.map((service) => [service, createPool(service, upstreams[service])])
  return Object.fromEntries(entries) as Record<Routed, Pool>
}

interface TlsDoor {
  readonly door: Door
  validTo(): Date
}

async function openTlsDoor(
  { reusePort }: Config,
  { listen, source }: NonNullable<Config['tls']>,
  app: App,
  { log, life }: Running,
): Promise<TlsDoor> {
  const files = await openPair(source)
  let pair = readPair(files)
  const door = await openDoor({ app, address: listen, reusePort, pair, log })
  const onPair = (fresh: typeof pair) => {
    door.setPair(fresh)
    pair = fresh
  }
  life.onStop('certificate', watchPair(files, { log, onPair }))
  log.info('speaking TLS', { listen: `${listen.host}:${door.port}`, certificate: source.kind, validTo: pair.validTo })
  return { door, validTo: () => pair.validTo }
}

/** We depend on nothing but our own certificate; the services behind us speak for themselves. */
function healthOf(validTo: Date | undefined): ComponentHealth {
  if (validTo && validTo.getTime() < Date.now()) {
    return { name: 'gateway', status: 'unhealthy', error: 'the TLS certificate has expired' }
  }
  return { name: 'gateway', status: 'healthy' }
}
