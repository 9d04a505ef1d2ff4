import { type Bus, discover } from '@berth/messaging'
import { isServiceName } from '@berth/types'

export interface ServiceReplicas {
  name: string
  version: string
  replicas: number
}

const WAIT_MS = 500

/** Which services answer on NATS, and how many replicas of each; none while NATS is away. */
export async function listReplicas(bus: Bus): Promise<ServiceReplicas[]> {
  const found = new Map<string, ServiceReplicas>()
  for (const { name, version } of await discover(bus, { waitMs: WAIT_MS })) {
    if (!isServiceName(name)) continue
    const key = `${name} ${version}`
    found.set(key, { name, version, replicas: (found.get(key)?.replicas ?? 0) + 1 })
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}
