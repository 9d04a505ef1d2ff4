import type { Database } from '@berth/db'
import { type Answer, answer } from '@berth/messaging'
import { type ComponentHealth, healthCheck, storageUsage } from '@berth/types'
import type { Storage } from './storage/index.ts'

/**
 * `svc.registry.v1.health.check`: what we alone depend on, the storage tried with a few bytes of its own; and
 * `svc.registry.v1.storage.usage`.
 */
export function healthAnswers(database: Database, storage: Storage): Answer[] {
  return [
    answer(healthCheck.registry, async () => ({
      components: await Promise.all([
        componentOf('registry', () => database.check()),
        componentOf('storage', () => storage.probe()),
      ]),
    })),
    answer(storageUsage, async () => ({ volumes: await storage.volumes() })),
  ]
}

async function componentOf(name: ComponentHealth['name'], check: () => Promise<void>): Promise<ComponentHealth> {
  try {
    await check()
    return { name, status: 'healthy' }
  } catch (err) {
    return { name, status: 'unhealthy', error: err instanceof Error ? err.message : String(err) }
  }
}
