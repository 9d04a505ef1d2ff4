import { adHoc } from './ad-hoc.ts'
import type { Queries } from './database.ts'
import type { Page } from './list-page.ts'

/** The SQL of a list; all of it ours, what came from outside is among the values. */
interface ListSql {
  /** With its `FROM`. */
  select: string
  /** What is counted: `FROM labels l`. */
  from: string
  where: string
  order: string
}

/** One page of a list and how many there are on all pages: two statements, whatever its size. */
export async function listRows<Row>(
  db: Queries,
  { select, from, where, order }: ListSql,
  values: readonly unknown[],
  page: Page,
): Promise<{ rows: Row[]; total: number }> {
  const counted = await db.find(adHoc<{ total: number }>(`SELECT count(*) AS total ${from} WHERE ${where}`), values)
  const rows = await db.run(
    adHoc<Row>(`${select} WHERE ${where} ORDER BY ${order} LIMIT ${page.limit} OFFSET ${page.offset}`),
    values,
  )
  return { rows, total: counted?.total ?? 0 }
}
