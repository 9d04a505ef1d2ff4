import { answer, answerAsks, connectBus, sayTo } from '@berth/messaging'
import type { NatsSettings, Running } from '@berth/runtime'
import { type ComponentHealth, healthCheck } from '@berth/types'
import manifest from '../package.json' with { type: 'json' }

/**
 * Connects in the background, for as long as it takes: requests are forwarded whether NATS is there or not. Once it
 * is, our lines go there too and `svc.gateway.v1.health.check` is answered.
 */
export function joinBus(nats: NatsSettings, { log, life }: Running, health: () => ComponentHealth): void {
  const join = async () => {
    const bus = await connectBus({ user: 'gateway', nats, log })
    if (!life.running) return bus.close()
    life.onStop('nats', () => bus.close())
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
