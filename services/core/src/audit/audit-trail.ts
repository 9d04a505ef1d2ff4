import { type Queries, statement } from '@berth/db'
import { currentContext } from '@berth/runtime'
import { actorOf, type Caller } from '../caller/caller.ts'
import type { Settings } from '../setting/settings.ts'

export type AuditOperation = 'create' | 'update' | 'delete' | 'pull' | 'login' | 'logout'

/** Harbor's words for what an entry is about, and ours beside them. */
export type AuditResource =
  | 'project'
  | 'member'
  | 'metadata'
  | 'user'
  | 'usergroup'
  | 'robot'
  | 'label'
  | 'immutable-tag'
  | 'quota'
  | 'allowlist'
  | 'configuration'
  | 'repository'
  | 'artifact'
  | 'tag'
  | 'access-token'
  | 'secret'
  | 'key'

/** One thing somebody did. Nothing in it is a secret. */
export interface AuditEntry {
  operation: AuditOperation
  resourceType: AuditResource
  /** What a person would call it: `library`, `library/nginx:1.27`, `robot$library+ci`. */
  resource: string
  projectId?: number
  /** One sentence more, where the rest does not say it: `role developer to maintainer`. */
  description?: string
}

export interface AuditTrail {
  /** Writes a row, in the transaction of the change; a kind that is switched off is left out. */
  record(tx: Queries, caller: Caller, entry: AuditEntry): Promise<void>
  /** The same for something that was tried and refused, or that has no transaction of its own. */
  recordResult(db: Queries, caller: Caller, entry: AuditEntry & { succeeded: boolean }): Promise<void>
}

const insert = statement(
  'audit-insert',
  `INSERT INTO audit_log (project_id, username, operation, resource_type, resource, description, succeeded, address,
     request_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
)

export function createAuditTrail(settings: Settings): AuditTrail {
  const isOff = ({ operation, resourceType }: AuditEntry) =>
    settings
      .get('disabled_audit_log_event_types')
      .split(',')
      .some((type) => type.trim() === `${operation}_${resourceType}`)

  const recordResult: AuditTrail['recordResult'] = async (db, caller, entry) => {
    if (isOff(entry)) return
    const { projectId, operation, resourceType, resource, description = '', succeeded } = entry
    const who = actorOf(caller) ?? 'anonymous'
    const requestId = currentContext()?.requestId
    await db.run(insert, [
      projectId ?? null,
      who,
      operation,
      resourceType,
      resource,
      description,
      succeeded,
      caller.address ?? null,
      requestId ?? null,
    ])
  }
  return { record: (tx, caller, entry) => recordResult(tx, caller, { ...entry, succeeded: true }), recordResult }
}
