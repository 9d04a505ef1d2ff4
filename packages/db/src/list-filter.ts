import { BadRequest } from '@berth/errors'
import type { SortKey, Term } from './list-query.ts'

/** A column a caller may filter or sort by; whatever is not listed is out of reach. */
export interface ListColumn {
  /** The SQL expression, ours alone; never made from input. */
  readonly sql: string
  readonly type: 'text' | 'integer' | 'boolean' | 'time'
}

export type ListColumns = Readonly<Record<string, ListColumn>>

const TIME = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?)?$/

/**
 * The SQL condition of these terms, `true` when there is none. Values go to the end of `values` and are referred to by
 * number; nothing of the input becomes SQL. Terms of columns that are not listed are left out, as Harbor does.
 *
 * @throws {BadRequest} a value that cannot be one of its column
 */
export function filterSql(terms: readonly Term[], columns: ListColumns, values: unknown[]): string {
  const conditions = terms.flatMap((term) => {
    const column = findColumn(columns, term.key)
    return column ? [condition(term, column, values)] : []
  })
  return conditions.length === 0 ? 'true' : conditions.join(' AND ')
}

/** The columns to order by; unknown ones are left out, `fallback` (SQL of ours) always comes last. */
export function sortSql(keys: readonly SortKey[], columns: ListColumns, fallback: string): string {
  const parts = keys.flatMap(({ key, descending }) => {
    const column = findColumn(columns, key)
    return column ? [`${column.sql} ${descending ? 'DESC' : 'ASC'}`] : []
  })
  return [...parts, fallback].join(', ')
}

/** The pattern by which ILIKE finds this text anywhere, `%` and `_` taken literally. */
export function containsPattern(text: string): string {
  return `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`
}

function findColumn(columns: ListColumns, key: string): ListColumn | undefined {
  return Object.hasOwn(columns, key) ? columns[key] : undefined
}

function condition(term: Term, column: ListColumn, values: unknown[]): string {
  const put = (value: unknown) => `$${values.push(value)}`
  // Wider than any column, so that a number no row can have finds nothing.
  const cast = column.type === 'integer' ? '::bigint' : ''
  const parsed = (value: string) => `${put(parseColumnValue(value, term.key, column))}${cast}`
  switch (term.kind) {
    case 'exact':
      return `${column.sql} = ${parsed(term.value)}`
    case 'contains':
      if (column.type !== 'text') throw new BadRequest(`${term.key} is not a text, "~" cannot look into it`)
      return `${column.sql} ILIKE ${put(containsPattern(withoutNul(term.value, term.key)))}`
    case 'range': {
      const ends = [
        ...(term.min === undefined ? [] : [`${column.sql} >= ${parsed(term.min)}`]),
        ...(term.max === undefined ? [] : [`${column.sql} <= ${parsed(term.max)}`]),
      ]
      return `(${ends.join(' AND ')})`
    }
    case 'any':
      return `(${term.values.map((value) => `${column.sql} = ${parsed(value)}`).join(' OR ')})`
    case 'all':
      return `(${term.values.map((value) => `${column.sql} = ${parsed(value)}`).join(' AND ')})`
  }
}

function parseColumnValue(text: string, key: string, { type }: ListColumn): unknown {
  switch (type) {
    case 'text':
      return withoutNul(text, key)
    case 'integer': {
      const value = Number(text)
      if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(value)) throw new BadRequest(`${key} must be a whole number`)
      return value
    }
    case 'boolean':
      if (/^(?:true|1)$/i.test(text)) return true
      if (/^(?:false|0)$/i.test(text)) return false
      throw new BadRequest(`${key} must be true or false`)
    case 'time': {
      // A time without a zone is UTC.
      const iso = text.length === 10 || /(?:Z|[+-]\d\d:\d\d)$/.test(text) ? text : `${text}Z`
      const value = new Date(iso)
      if (!TIME.test(text) || Number.isNaN(value.getTime())) throw new BadRequest(`${key} must be a time`)
      return value
    }
  }
}

function withoutNul(text: string, key: string): string {
  if (text.includes('\0')) throw new BadRequest(`${key} must not hold a zero byte`)
  return text
}
