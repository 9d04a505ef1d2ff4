import { randomUUID } from 'node:crypto'
import { type Database, type Queries, type Transaction, tellMany } from '@berth/db'
import { currentContext } from '@berth/runtime'
import { auditRecorded } from '@berth/types'
import { actorOf, type Caller } from '../caller/caller.ts'
import type { Settings } from '../setting/settings.ts'
import { type AuditEntry, type AuditRow, fitRow, NOBODY } from './audit-entry.ts'
import { auditStore } from './audit-store.ts'
import { eventTypeOf } from './event-types.ts'

export interface AuditTrail {
  /** Writes a row, in the transaction of the change; a kind that is switched off is left out. */
  record(tx: Queries, caller: Caller, entry: AuditEntry): Promise<void>
  /** The same for something that was tried and refused, or that has no transaction of its own. */
  recordResult(db: Queries, caller: Caller, entry: AuditEntry & { succeeded: boolean }): Promise<void>
  /** Writes rows made from events, each once however often it comes, unless its kind is switched off. */
  keep(tx: Queries, entries: readonly { row: AuditRow; entry: AuditEntry }[]): Promise<void>
  /** Whether something done for this piece of work is recorded and committed. */
  hasRecorded(context: object | undefined): boolean
}

/**
 * Rows go into the table and, while the audit log is forwarded, into the outbox; with `skip_audit_log_database` only
 * there. Both in the transaction of whoever records.
 */
export function createAuditTrail(settings: Settings): AuditTrail {
  const recorded = new WeakSet<object>()

  function isOff(entry: AuditEntry): boolean {
    if (entry.operation === 'pull' && settings.get('pull_audit_log_disable')) return true
    const disabled = settings.get('disabled_audit_log_event_types')
    if (disabled === '') return false
    return disabled.split(',').some((type) => type.trim() === eventTypeOf(entry))
  }

  async function write(tx: Queries, rows: readonly AuditRow[]): Promise<void> {
    if (rows.length === 0) return
    const forwards = settings.get('audit_log_forward_endpoint') !== ''
    const skips = forwards && settings.get('skip_audit_log_database')
    const fit = rows.map(fitRow)
    const isNew = skips ? undefined : await auditStore.insert(tx, fit)
    if (!forwards) return
    await forward(
      tx,
      fit.filter(({ eventId }) => eventId === undefined || (isNew?.has(eventId) ?? true)),
    )
  }

  const recordResult: AuditTrail['recordResult'] = async (db, caller, entry) => {
    if (isOff(entry)) return
    const { projectId, operation, resourceType, resource, description = '', succeeded } = entry
    const context = currentContext()
    const row: AuditRow = {
      occurredAt: new Date(),
      username: actorOf(caller) ?? NOBODY,
      operation,
      resourceType,
      resource,
      description,
      succeeded,
      projectId,
      address: caller.address ?? context?.address,
      requestId: context?.requestId,
    }
    if (isDatabase(db)) await db.transaction((tx) => write(tx, [row]))
    else await write(db, [row])
    if (context === undefined) return
    if (isTransaction(db)) db.afterCommit(() => recorded.add(context))
    else recorded.add(context)
  }

  return {
    record: (tx, caller, entry) => recordResult(tx, caller, { ...entry, succeeded: true }),
    recordResult,
    keep: (tx, entries) =>
      write(
        tx,
        entries.filter(({ entry }) => !isOff(entry)).map(({ row }) => row),
      ),
    hasRecorded: (context) => context !== undefined && recorded.has(context),
  }
}

async function forward(tx: Queries, rows: readonly AuditRow[]): Promise<void> {
  const told = rows.map(({ occurredAt, eventId, ...facts }) => {
    const line = { ...facts, id: eventId ?? randomUUID(), occurredAt: occurredAt.toISOString() }
    return { revision: 0, actor: facts.username, address: facts.address, data: { line } }
  })
  await tellMany(tx, auditRecorded, told)
}

function isDatabase(db: Queries): db is Database {
  return 'transaction' in db
}

function isTransaction(db: Queries): db is Transaction {
  return 'afterCommit' in db
}
