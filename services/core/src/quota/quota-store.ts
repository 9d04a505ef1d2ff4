import { type Page, type Queries, statement } from '@berth/db'

const SORTED = {
  limit: 'storage_limit_bytes, id',
  '-limit': 'storage_limit_bytes DESC, id',
  id: 'id',
} as const
export type QuotaOrder = keyof typeof SORTED

const pages = new Map(
  Object.entries(SORTED).map(([name, order]) => [
    name,
    statement<{ id: number }>(
      `quota-page-by-${name}`,
      `SELECT id FROM projects ORDER BY ${order} LIMIT $1 OFFSET $2::bigint`,
    ),
  ]),
)
const count = statement<{ total: number }>('quota-count', 'SELECT count(*) AS total FROM projects')

/** Every project has one quota, and its id. */
export const quotaStore = {
  /** The ids of a page of projects, by what they may hold or by id, and how many there are. */
  async page(db: Queries, order: QuotaOrder, { limit, offset }: Page): Promise<{ ids: number[]; total: number }> {
    const page = pages.get(order) as NonNullable<ReturnType<typeof pages.get>>
    const rows = await db.run(page, [limit, offset])
    return { ids: rows.map(({ id }) => id), total: (await db.find(count))?.total ?? 0 }
  },
}
