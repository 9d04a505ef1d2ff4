import { parseListQuery, parseSort, type Term } from '@berth/db'

/** What `q` and `sort` may look at of a row. */
export type Columns = Record<string, string | number>

interface ListWish {
  q?: string
  sort?: string
  page: number
  pageSize: number
}

/** One page of rows as the registry would give it, and how many there are. Unknown columns are left out. */
export function pageOfRows<Row>(rows: readonly Row[], columnsOf: (row: Row) => Columns, wish: ListWish) {
  const terms = parseListQuery(wish.q)
  const found = rows.filter((row) => terms.every((term) => fits(term, columnsOf(row))))
  const sorted = found.toSorted((a, b) => compared(columnsOf(a), columnsOf(b), wish.sort))
  const from = (wish.page - 1) * wish.pageSize
  return { rows: sorted.slice(from, from + wish.pageSize), total: found.length }
}

export function fits(term: Term, columns: Columns): boolean {
  const value = columns[term.key]
  if (value === undefined) return true
  const is = (text: string) => String(value) === text
  switch (term.kind) {
    case 'exact':
      return is(term.value)
    case 'contains':
      return String(value).toLowerCase().includes(term.value.toLowerCase())
    case 'range':
      return (
        (term.min === undefined || compare(value, term.min) >= 0) &&
        (term.max === undefined || compare(value, term.max) <= 0)
      )
    case 'any':
      return term.values.some(is)
    case 'all':
      return term.values.every(is)
  }
}

function compared(a: Columns, b: Columns, sort: string | undefined): number {
  for (const { key, descending } of parseSort(sort)) {
    const [left, right] = [a[key], b[key]]
    const order = left === undefined || right === undefined ? 0 : compare(left, right)
    if (order !== 0) return descending ? -order : order
  }
  return 0
}

function compare(value: string | number, other: string | number): number {
  if (typeof value === 'number') return value - Number(other)
  return value < String(other) ? -1 : value > String(other) ? 1 : 0
}
