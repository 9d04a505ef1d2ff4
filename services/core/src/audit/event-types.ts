import type { AuditEntry, AuditOperation, AuditResource } from './audit-entry.ts'

/** What is recorded, kind by kind; Harbor's come first, in its order. Each can be switched off by its name. */
const KINDS: readonly (readonly [AuditResource, readonly AuditOperation[]])[] = [
  ['artifact', ['create', 'delete', 'pull', 'update']],
  ['project', ['create', 'delete', 'update']],
  ['repository', ['delete', 'update']],
  ['user', ['login', 'logout', 'create', 'update', 'delete']],
  ['robot', ['create', 'delete', 'update']],
  ['configuration', ['update']],
  ['member', ['create', 'update', 'delete']],
  ['tag', ['create', 'delete']],
  ['label', ['create', 'update', 'delete']],
  ['immutable-tag', ['create', 'update', 'delete']],
  ['metadata', ['create', 'update', 'delete']],
  ['quota', ['update']],
  ['allowlist', ['update']],
  ['usergroup', ['create', 'update', 'delete']],
  ['access-token', ['create', 'update', 'delete']],
  ['secret', ['create', 'update', 'delete']],
  ['key', ['create', 'update', 'delete']],
]

/** `create_artifact`: what `disabled_audit_log_event_types` calls a kind of entry. */
export function eventTypeOf({ operation, resourceType }: Pick<AuditEntry, 'operation' | 'resourceType'>): string {
  return `${operation}_${resourceType}`
}

/** The names of everything that is recorded. */
export const AUDIT_EVENT_TYPES: readonly string[] = KINDS.flatMap(([resourceType, operations]) =>
  operations.map((operation) => eventTypeOf({ operation, resourceType })),
)
