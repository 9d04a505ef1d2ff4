import type { ListColumns, SortKey } from '@berth/db'

/** What a list is sorted by, the most important first; the last is unique. */
export type Order = readonly [Key, ...Key[]]

interface Key {
  sql: string
  descending: boolean
}

/** Columns a caller named, unknown ones left out, then `unique`; `fallback` when no known one was named. */
export function orderOf(
  keys: readonly SortKey[],
  columns: ListColumns,
  { unique, fallback }: { unique: string; fallback: Order },
): Order {
  const named = keys.flatMap(({ key, descending }) => {
    const column = columnOf(columns, key)
    return column ? [{ sql: column.sql, descending }] : []
  })
  const [first, ...others] = named
  if (first === undefined) return fallback
  return [first, ...others, { sql: unique, descending: first.descending }]
}

/** The same list, from its end when `isReversed`. */
export function orderSql(order: Order, isReversed = false): string {
  return order.map(({ sql, descending }) => `${sql} ${descending === isReversed ? 'ASC' : 'DESC'}`).join(', ')
}

/** Harbor knows its columns by two names each: `push_time` and `PushTime`. */
export function snakeCase(key: string): string {
  return key.replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, '_').toLowerCase()
}

function columnOf(columns: ListColumns, key: string): ListColumns[string] | undefined {
  const name = snakeCase(key)
  return Object.hasOwn(columns, name) ? columns[name] : undefined
}
