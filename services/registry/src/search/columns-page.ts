import { adHoc, filterSql, type ListColumns, parseListQuery, parseSort, type Queries } from '@berth/db'
import { type Order, orderOf, orderSql, snakeCase } from './order.ts'
import type { ListScope, Recent } from './recent.ts'
import { windowOf } from './window.ts'

/** A list of rows with an id each, in Harbor's words. */
export interface ListQuery {
  q?: string
  sort?: string
  page: number
  pageSize: number
}

/** What is listed: SQL of ours alone. */
export interface Listed {
  /** For recent: what else `values` do not say, and what a change must touch to be seen in it. */
  name: string
  within: ListScope
  /** `tag t JOIN manifest m ON m.id = t.manifest_id` */
  from: string
  where: string
  values: readonly unknown[]
  /** Of a row, unique: `t.id` */
  id: string
  columns: ListColumns
  /** Ends with something unique. */
  order: Order
}

/**
 * The ids of one page and how many rows there are: two statements.
 *
 * @throws {BadRequest} outside the grammar, or a value that cannot be one of its column
 */
export async function pageOfIds(
  db: Queries,
  recent: Recent,
  listed: Listed,
  query: ListQuery,
): Promise<{ ids: number[]; total: number }> {
  const { where, values, total } = await countRows(db, recent, listed, query.q)
  const window = windowOf(query.page, query.pageSize, total)
  if (window === undefined) return { ids: [], total }
  const order = orderOf(parseSort(query.sort), listed.columns, { unique: listed.id, fallback: listed.order })
  const ids = await readIds(db, listed, { ...window, where, values, order: orderSql(order, window.isReversed) })
  return { ids: window.isReversed ? ids.reverse() : ids, total }
}

/** The ids of what comes after a place in `listed.order`, and whether more follow: two statements as well. */
export async function idsAfter(
  db: Queries,
  recent: Recent,
  listed: Listed & { after: string },
  { q, pageSize }: Pick<ListQuery, 'q' | 'pageSize'>,
): Promise<{ ids: number[]; total: number; isLast: boolean }> {
  const { where, values, total } = await countRows(db, recent, listed, q)
  const [{ sql }] = listed.order
  const place = `${sql} > $${values.push(listed.after)}`
  const order = orderSql(listed.order)
  const ids = await readIds(db, listed, {
    where: `${where} AND ${place}`,
    values,
    order,
    limit: pageSize + 1,
    offset: 0,
  })
  return { ids: ids.slice(0, pageSize), total, isLast: ids.length <= pageSize }
}

async function countRows(
  db: Queries,
  recent: Recent,
  listed: Listed,
  q: string | undefined,
): Promise<{ where: string; values: unknown[]; total: number }> {
  const values = [...listed.values]
  const terms = parseListQuery(q).map((term) => ({ ...term, key: snakeCase(term.key) }))
  const where = `${listed.where} AND ${filterSql(terms, listed.columns, values)}`
  const total = await recent.total(listed.within, `${listed.name} ${where} ${JSON.stringify(values)}`, async () => {
    const sql = adHoc<{ total: number }>(`SELECT count(*) AS total FROM ${listed.from} WHERE ${where}`)
    return (await db.find(sql, values))?.total ?? 0
  })
  return { where, values, total }
}

async function readIds(
  db: Queries,
  { id, from }: Listed,
  page: { where: string; values: readonly unknown[]; order: string; limit: number; offset: number },
): Promise<number[]> {
  const sql = adHoc<{ id: number }>(
    `SELECT ${id} AS id FROM ${from} WHERE ${page.where}
     ORDER BY ${page.order} LIMIT ${page.limit} OFFSET ${page.offset}`,
  )
  return (await db.run(sql, page.values)).map((row) => row.id)
}
