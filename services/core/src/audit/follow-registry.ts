import type { Database } from '@berth/db'
import { type Bus, type Delivered, followBatches } from '@berth/messaging'
import type { Logger } from '@berth/runtime'
import type { AuditTrail } from './audit-trail.ts'
import { entryOfEvent } from './registry-entries.ts'

const MAX_TOGETHER = 500

/**
 * Writes down what people did in the registry, from its events: pushes, pulls, deletions, tags, copies. However many
 * replicas read and however often an event comes, it is one row.
 */
export function followRegistry(parts: { bus: Bus; database: Database; audit: AuditTrail; log: Logger }): {
  stop(): Promise<void>
} {
  const { bus, database, audit, log } = parts

  function read({ data, subject, sequence }: Delivered): ReturnType<typeof entryOfEvent> {
    try {
      return entryOfEvent(JSON.parse(new TextDecoder().decode(data)))
    } catch (err) {
      // It would stand in the way of every event after it for ever.
      log.error('an event cannot be read, the audit log goes without it', { subject, sequence, err })
      return undefined
    }
  }

  return followBatches(bus, 'core-audit', {
    log,
    maxMessages: MAX_TOGETHER,
    async handle(batch) {
      const entries = batch.flatMap((message) => read(message) ?? [])
      if (entries.length > 0) await database.transaction((tx) => audit.keep(tx, entries))
    },
  })
}
