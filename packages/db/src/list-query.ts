import { BadRequest } from '@berth/errors'

/** One condition of a `q` parameter, values still as written. */
export type Term =
  | { key: string; kind: 'exact'; value: string }
  | { key: string; kind: 'contains'; value: string }
  | { key: string; kind: 'range'; min?: string; max?: string }
  | { key: string; kind: 'any'; values: string[] }
  | { key: string; kind: 'all'; values: string[] }

export interface SortKey {
  key: string
  descending: boolean
}

const MAX_QUERY_CHARS = 4_096
const MAX_TERMS = 20
const MAX_VALUES = 100
const MAX_SORT_KEYS = 10

/**
 * Parses Harbor's `q`: `k=v` exact, `k=~v` contains, `k=[a~b]` range with either end open, `k={a b}` any of,
 * `k=(a b)` all of, terms separated by commas. Quotes force a text, a leading `\` escapes a special first character.
 * A text that is still percent-encoded is decoded once more. Of a key named twice the last one counts.
 *
 * @throws {BadRequest} outside the grammar, or too much of it
 */
export function parseListQuery(text: string | undefined): Term[] {
  if (!text) return []
  if (text.length > MAX_QUERY_CHARS) throw new BadRequest('the query is too long')
  const parts = decodedOnceMore(text).split(',')
  if (parts.length > MAX_TERMS) throw new BadRequest(`a query has at most ${MAX_TERMS} terms`)
  return [...new Map(parts.map(parseTerm).map((term) => [term.key, term])).values()]
}

/** Parses Harbor's `sort`: `name,-creation_time`. */
export function parseSort(text: string | undefined): SortKey[] {
  if (!text) return []
  const keys = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '' && part !== '-')
  return keys
    .slice(0, MAX_SORT_KEYS)
    .map((part) => (part.startsWith('-') ? { key: part.slice(1), descending: true } : { key: part, descending: false }))
}

function decodedOnceMore(text: string): string {
  if (!/%[0-9a-f]{2}/i.test(text)) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function parseTerm(part: string): Term {
  const equals = part.indexOf('=')
  const key = part.slice(0, equals).trim()
  const pattern = part.slice(equals + 1)
  if (equals < 0 || key === '' || pattern === '') throw new BadRequest('a term of the query must read key=value')
  switch (pattern[0]) {
    case '~':
      return { key, kind: 'contains', value: pattern.slice(1) }
    case '[':
      return { key, kind: 'range', ...parseRange(inside(pattern, ']')) }
    case '{':
      return { key, kind: 'any', values: parseValues(inside(pattern, '}')) }
    case '(':
      return { key, kind: 'all', values: parseValues(inside(pattern, ')')) }
    default:
      return { key, kind: 'exact', value: parseValue(pattern) }
  }
}

function inside(pattern: string, end: string): string {
  if (!pattern.endsWith(end)) throw new BadRequest(`"${pattern[0]}" in the query must be closed by "${end}"`)
  return pattern.slice(1, -1)
}

function parseRange(text: string): { min?: string; max?: string } {
  const [low, high, ...rest] = text.split('~')
  if (low === undefined || high === undefined || rest.length > 0) {
    throw new BadRequest('a range of the query must read [min~max]')
  }
  const min = parseValue(low) || undefined
  const max = parseValue(high) || undefined
  if (min === undefined && max === undefined) throw new BadRequest('a range of the query needs at least one end')
  return { min, max }
}

function parseValues(text: string): string[] {
  const values = text.match(/"[^"]*"|\S+/g) ?? []
  if (values.length === 0) throw new BadRequest('a list of the query must not be empty')
  if (values.length > MAX_VALUES) throw new BadRequest(`a list of the query has at most ${MAX_VALUES} values`)
  return values.map(parseValue)
}

function parseValue(text: string): string {
  const trimmed = text.trim()
  if (/^".*"$/s.test(trimmed) && trimmed.length > 1) return trimmed.slice(1, -1)
  return trimmed.startsWith('\\') ? trimmed.slice(1) : trimmed
}
