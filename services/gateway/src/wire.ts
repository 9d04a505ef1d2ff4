import { openAdmin, type Running } from '@berth/runtime'
import { joinBus } from './bus.ts'
import type { Config } from './config.ts'
import { openGateway } from './gateway.ts'

/** The public doors, the private one, and NATS in the background. Ready means the doors are open. */
export async function wire(config: Config, running: Running): Promise<void> {
  const gateway = await openGateway(config, running)
  const { life, metrics } = running
  await openAdmin({ address: config.adminListen, life, metrics, checks: {} })
  joinBus(config.nats, running, gateway.health)
}
