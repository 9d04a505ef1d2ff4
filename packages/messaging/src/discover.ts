import { RequestStrategy } from 'nats'
import type { Bus } from './bus.ts'

/** One replica of a service that answers on NATS. */
export interface Replica {
  name: string
  version: string
  id: string
}

/** Asks who is there and gathers answers for so long; nobody while NATS is away. */
export async function discover(bus: Bus, options: { waitMs: number }): Promise<Replica[]> {
  if (!bus.connected) return []
  const client = bus.connection.services.client({ strategy: RequestStrategy.Timer, maxWait: options.waitMs })
  const found: Replica[] = []
  for await (const { name, version, id } of await client.ping()) found.push({ name, version, id })
  return found
}
