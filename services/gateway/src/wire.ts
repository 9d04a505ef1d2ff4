import { openAdmin, type Running } from '@berth/runtime'
import { joinBus } from './bus.ts'
import type { Config } from './config.ts'
import { type Gateway, openGateway } from './gateway.ts'

/** NATS in the background, the public doors, and the private one. Ready means the doors are open. */
export async function wire(config: Config, running: Running): Promise<void> {
  let gateway: Gateway | undefined
  joinBus(config.nats, running, () => {
    return gateway?.health() ?? { name: 'gateway', status: 'unhealthy', error: 'the doors are not open yet' }
  })
  gateway = await openGateway(config, running)
  const { life, metrics } = running
  await openAdmin({ address: config.adminListen, life, metrics, checks: {} })
}
