import {
  containsPattern,
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
import type { Label, LabelText } from './label.ts'

interface LabelRow extends Omit<Label, 'projectId'> {
  projectId: number | null
}

const SELECT = `SELECT l.id, l.name, l.description, l.color, l.project_id AS "projectId", l.created_at AS "createdAt",
    l.updated_at AS "updatedAt" FROM labels l`

/** What `q` and `sort` may look at. */
const LABEL_COLUMNS: ListColumns = {
  id: { sql: 'l.id', type: 'integer' },
  name: { sql: 'l.name', type: 'text' },
  description: { sql: 'l.description', type: 'text' },
  color: { sql: 'l.color', type: 'text' },
  creation_time: { sql: 'l.created_at', type: 'time' },
  update_time: { sql: 'l.updated_at', type: 'time' },
}

const find = statement<LabelRow>('label-find', `${SELECT} WHERE l.id = $1::bigint AND l.deleted_at IS NULL`)
const byIds = statement<LabelRow>(
  'label-by-ids',
  `${SELECT} WHERE l.id = ANY($1::bigint[]) AND l.deleted_at IS NULL ORDER BY l.name, l.id`,
)
const insert = statement<{ id: number }>(
  'label-insert',
  'INSERT INTO labels (project_id, name, description, color) VALUES ($1, $2, $3, $4) RETURNING id',
)
const update = statement<{ id: number }>(
  'label-update',
  `UPDATE labels SET name = $2, description = $3, color = $4, updated_at = now()
   WHERE id = $1 AND deleted_at IS NULL RETURNING id`,
)
const markDeleted = statement<{ id: number }>(
  'label-mark-deleted',
  'UPDATE labels SET deleted_at = now() WHERE id = $1 AND deleted_at IS NULL RETURNING id',
)
const deletedBefore = statement<{ id: number }>(
  'label-deleted-before',
  `SELECT id FROM labels WHERE deleted_at < now() - interval '1 minute' ORDER BY deleted_at LIMIT 100`,
)
const remove = statement('label-remove', 'DELETE FROM labels WHERE id = $1 AND deleted_at IS NOT NULL')

export const labelStore = {
  find: async (db: Queries, id: number): Promise<Label | undefined> => {
    const row = await db.find(find, [id])
    return row && toLabel(row)
  },
  /** Those of these that are there, by name; the ids of deleted ones find nothing. */
  byIds: async (db: Queries, ids: readonly number[]): Promise<Label[]> =>
    ids.length === 0 ? [] : (await db.run(byIds, [ids])).map(toLabel),
  async insert(tx: Queries, projectId: number | undefined, label: LabelText): Promise<number> {
    const row = await tx.find(insert, [projectId ?? null, label.name, label.description, label.color])
    return (row as { id: number }).id
  },
  update: async (tx: Queries, id: number, { name, description, color }: LabelText) =>
    (await tx.run(update, [id, name, description, color])).length > 0,
  /** From now on nobody finds it; false: it was not there. */
  markDeleted: async (tx: Queries, id: number) => (await tx.run(markDeleted, [id])).length > 0,
  /** Deleted for over a minute: whoever was about to put one on an artifact has done so. */
  deleted: async (db: Queries) => (await db.run(deletedBefore)).map(({ id }) => id),
  remove: (db: Queries, id: number) => db.run(remove, [id]),

  /** A page of the labels of a project, or of the whole suite. */
  async list(
    db: Queries,
    projectId: number | undefined,
    query: { q?: string; sort?: string; name?: string },
    page: Page,
  ): Promise<{ labels: Label[]; total: number }> {
    const values: unknown[] = []
    const where = [
      'l.deleted_at IS NULL',
      projectId === undefined ? 'l.project_id IS NULL' : `l.project_id = $${values.push(projectId)}::bigint`,
      ...(query.name ? [`l.name ILIKE $${values.push(containsPattern(query.name))}`] : []),
    ]
    where.push(filterSql(parseListQuery(query.q), LABEL_COLUMNS, values))
    const condition = where.join(' AND ')
    const order = sortSql(parseSort(query.sort), LABEL_COLUMNS, 'l.name, l.id')
    const sql = { select: SELECT, from: 'FROM labels l', where: condition, order }
    const { rows, total } = await listRows<LabelRow>(db, sql, values, page)
    return { labels: rows.map(toLabel), total }
  },
}

function toLabel({ projectId, ...row }: LabelRow): Label {
  return projectId === null ? row : { ...row, projectId }
}
