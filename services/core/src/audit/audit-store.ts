import {
  adHoc,
  filterSql,
  type ListColumns,
  type Page,
  type Queries,
  type SortKey,
  sortSql,
  statement,
  type Term,
} from '@berth/db'
import type { AuditRow } from './audit-entry.ts'

/** A row of a list. */
export interface AuditRecord extends Omit<AuditRow, 'eventId'> {
  id: number
}

/** Whose entries a list shows. */
export type AuditScope =
  | { kind: 'all' }
  | { kind: 'none' }
  /** Of every project, but not what happened beside projects. */
  | { kind: 'projects' }
  /** Of these projects. */
  | { kind: 'some'; ids: readonly number[] }
  /** Of the projects where this person has one of these roles; `ids`: only if it is one of these. */
  | { kind: 'roles'; userId: number; roles: readonly number[]; ids?: readonly number[] }

/** What `q` and `sort` may look at. */
const LEGACY_COLUMNS: ListColumns = {
  id: { sql: 'a.id', type: 'integer' },
  project_id: { sql: 'a.project_id', type: 'integer' },
  username: { sql: 'a.username', type: 'text' },
  resource: { sql: 'a.resource', type: 'text' },
  resource_type: { sql: 'a.resource_type', type: 'text' },
  operation: { sql: 'a.operation', type: 'text' },
  op_time: { sql: 'a.occurred_at', type: 'time' },
}
const COLUMNS: ListColumns = {
  ...LEGACY_COLUMNS,
  operation_description: { sql: 'a.description', type: 'text' },
  op_desc: { sql: 'a.description', type: 'text' },
  operation_result: { sql: 'a.succeeded', type: 'boolean' },
  op_result: { sql: 'a.succeeded', type: 'boolean' },
  client_address: { sql: 'a.address', type: 'text' },
  request_id: { sql: 'a.request_id', type: 'text' },
}

interface Row {
  id: number
  occurred_at: Date
  project_id: number | null
  username: string
  operation: string
  resource_type: string
  resource: string
  description: string
  succeeded: boolean
  address: string | null
  request_id: string | null
}

const FIELDS = `a.id, a.occurred_at, a.project_id, a.username, a.operation, a.resource_type, a.resource, a.description,
  a.succeeded, a.address, a.request_id`

// Every column at once: what comes from events comes by the hundred. A row an event is in the table already for is left.
const insert = statement<{ event_id: string | null }>(
  'audit-insert',
  `INSERT INTO audit_log (occurred_at, project_id, username, operation, resource_type, resource, description, succeeded,
     address, request_id, event_id)
   SELECT * FROM unnest($1::timestamptz[], $2::integer[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
     $8::boolean[], $9::text[], $10::text[], $11::uuid[])
   ON CONFLICT (occurred_at, event_id) DO NOTHING RETURNING event_id`,
)

/** A list before a page is taken of it. */
export interface AuditList {
  scope: AuditScope
  /** Harbor's older list knows no results: only what succeeded is in it. */
  legacy: boolean
  terms: readonly Term[]
}

export const auditStore = {
  /** Answers the ids of the events whose rows were not there yet. */
  async insert(tx: Queries, rows: readonly AuditRow[]): Promise<Set<string>> {
    const column = (read: (row: AuditRow) => unknown) => rows.map((row) => read(row) ?? null)
    const inserted = await tx.run(insert, [
      column((row) => row.occurredAt),
      column((row) => row.projectId),
      column((row) => row.username),
      column((row) => row.operation),
      column((row) => row.resourceType),
      column((row) => row.resource),
      column((row) => row.description),
      column((row) => row.succeeded),
      column((row) => row.address),
      column((row) => row.requestId),
      column((row) => row.eventId),
    ])
    return new Set(inserted.flatMap(({ event_id }) => event_id ?? []))
  },

  /** With `few` everything the list has is found before it is sorted: few rows of a long log are not met by walking it. */
  async list(
    db: Queries,
    list: AuditList,
    { sort, page, few }: { sort: readonly SortKey[]; page: Page; few: boolean },
  ): Promise<AuditRecord[]> {
    const { where, values, columns } = conditionOf(list)
    const order = sortSql(sort, columns, sort.length === 0 ? 'a.occurred_at DESC, a.id DESC' : 'a.id DESC')
    const found = `SELECT ${FIELDS} FROM audit_log a WHERE ${where}`
    const from = few ? `WITH a AS MATERIALIZED (${found}) SELECT ${FIELDS} FROM a` : found
    const statement = `${from} ORDER BY ${order} LIMIT ${page.limit} OFFSET ${page.offset}`
    return (await db.run(adHoc<Row>(statement), values)).map(toRecord)
  },

  async count(db: Queries, list: AuditList): Promise<number> {
    const { where, values } = conditionOf(list)
    const row = await db.find(
      adHoc<{ total: number }>(`SELECT count(*) AS total FROM audit_log a WHERE ${where}`),
      values,
    )
    return row?.total ?? 0
  },
}

function conditionOf({ scope, legacy, terms }: AuditList): { where: string; values: unknown[]; columns: ListColumns } {
  const values: unknown[] = []
  const columns = legacy ? LEGACY_COLUMNS : COLUMNS
  const parts = [scopeSql(scope, values), ...(legacy ? ['a.succeeded'] : []), filterSql(terms, columns, values)]
  return { where: parts.join(' AND '), values, columns }
}

function scopeSql(scope: AuditScope, values: unknown[]): string {
  const put = (value: unknown) => `$${values.push(value)}`
  switch (scope.kind) {
    case 'all':
      return 'true'
    case 'none':
      return 'false'
    case 'projects':
      return 'a.project_id IS NOT NULL'
    case 'some':
      return `a.project_id = ANY(${put(scope.ids)})`
    case 'roles': {
      const narrowed = scope.ids === undefined ? '' : ` AND r.project_id = ANY(${put(scope.ids)})`
      return `a.project_id IN (SELECT r.project_id FROM user_roles r
        WHERE r.user_id = ${put(scope.userId)} AND r.role_id = ANY(${put(scope.roles)})${narrowed})`
    }
  }
}

function toRecord(row: Row): AuditRecord {
  return {
    id: row.id,
    occurredAt: row.occurred_at,
    projectId: row.project_id ?? undefined,
    username: row.username,
    operation: row.operation,
    resourceType: row.resource_type,
    resource: row.resource,
    description: row.description,
    succeeded: row.succeeded,
    address: row.address ?? undefined,
    requestId: row.request_id ?? undefined,
  }
}
