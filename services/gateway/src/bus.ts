import { answer, answerAsks, type Bus, connectBus, sayTo } from '@berth/messaging'
import type { NatsSettings, Running } from '@berth/runtime'
import { type ComponentHealth, healthCheck } from '@berth/types'
import manifest from '../package.json' with { type: 'json' }

/**
 * Connects in the background, for as long as it takes: requests are forwarded whether NATS is there or not. Once it
 * is, our lines go there too and `svc.gateway.v1.health.check` is answered. To be called before the doors open, so that
 * it is left after they are closed and their last lines are said.
 */
export function joinBus(nats: NatsSettings, { log, life }: Running, health: () => ComponentHealth): void {
  let joined: Bus | undefined
  life.onStop('nats', () => joined?.close())
  const join = async () => {
    const bus = await connectBus({ user: 'gateway', nats, log })
    if (!life.running) return bus.close()
    joined = bus
    log.addSink(sayTo(bus))
    await answerAsks(bus, {
      service: 'gateway',
      version: manifest.version,
      answers: [answer(healthCheck.gateway, async () => ({ components: [health()] }))],
      log,
    })
  }
  join().catch((err) => log.error('cannot take part in NATS, forwarding goes on', { err }))
}
