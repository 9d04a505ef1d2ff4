import {
  filterSql,
  type ListColumns,
  listRows,
  type Page,
  parseListQuery,
  parseSort,
  type Queries,
  sortSql,
  statement,
} from '@berth/db'
import type { ImmutabilityRule } from '@berth/types'
import { fingerprintOf, type ImmutableRule } from './immutable-rule.ts'

const SELECT = 'SELECT r.id, r.disabled, r.repositories, r.tags FROM immutability_rules r'

/** What `q` and `sort` may look at. */
const RULE_COLUMNS: ListColumns = {
  id: { sql: 'r.id', type: 'integer' },
  disabled: { sql: 'r.disabled', type: 'boolean' },
  creation_time: { sql: 'r.created_at', type: 'time' },
  update_time: { sql: 'r.updated_at', type: 'time' },
}

const find = statement<ImmutableRule>('immutable-find', `${SELECT} WHERE r.project_id = $1 AND r.id = $2::bigint`)
const insert = statement<{ id: number }>(
  'immutable-insert',
  `INSERT INTO immutability_rules (project_id, disabled, repositories, tags, fingerprint)
   VALUES ($1, $2, $3, $4, $5) RETURNING id`,
)
const update = statement<{ id: number }>(
  'immutable-update',
  `UPDATE immutability_rules SET disabled = $3, repositories = $4, tags = $5, fingerprint = $6, updated_at = now()
   WHERE project_id = $1 AND id = $2::bigint RETURNING id`,
)
const remove = statement<{ id: number }>(
  'immutable-remove',
  'DELETE FROM immutability_rules WHERE project_id = $1 AND id = $2::bigint RETURNING id',
)
const all = statement<ImmutabilityRule>(
  'immutable-all',
  'SELECT repositories, tags FROM immutability_rules WHERE project_id = $1',
)

/** Rules are always looked up inside their project: the id of another project's rule finds nothing. */
export const immutableStore = {
  find: (db: Queries, projectId: number, id: number) => db.find(find, [projectId, id]),
  async insert(tx: Queries, projectId: number, rule: Omit<ImmutableRule, 'id'>): Promise<number> {
    const row = await tx.find(insert, [projectId, ...valuesOf(rule)])
    return (row as { id: number }).id
  },
  update: async (tx: Queries, projectId: number, { id, ...rule }: ImmutableRule) =>
    (await tx.run(update, [projectId, id, ...valuesOf(rule)])).length > 0,
  remove: async (tx: Queries, projectId: number, id: number) => (await tx.run(remove, [projectId, id])).length > 0,
  /** The selectors of every rule of the project. */
  all: (tx: Queries, projectId: number) => tx.run(all, [projectId]),

  async list(
    db: Queries,
    projectId: number,
    query: { q?: string; sort?: string },
    page: Page,
  ): Promise<{ rules: ImmutableRule[]; total: number }> {
    const values: unknown[] = [projectId]
    const condition = `r.project_id = $1 AND ${filterSql(parseListQuery(query.q), RULE_COLUMNS, values)}`
    const order = sortSql(parseSort(query.sort), RULE_COLUMNS, 'r.id')
    const sql = { select: SELECT, from: 'FROM immutability_rules r', where: condition, order }
    const { rows, total } = await listRows<ImmutableRule>(db, sql, values, page)
    return { rules: rows, total }
  },
}

function valuesOf(rule: ImmutabilityRule & { disabled: boolean }): unknown[] {
  const { disabled, repositories, tags } = rule
  return [disabled, JSON.stringify(repositories), JSON.stringify(tags), fingerprintOf(rule)]
}
