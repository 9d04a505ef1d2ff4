import { containsPattern, filterSql, type ListColumns, parseListQuery, parseSort, type Term } from '@berth/db'
import { BadRequest } from '@berth/errors'
import { type Order, orderOf, snakeCase } from './order.ts'

const COLUMNS: ListColumns = {
  id: { sql: 'm.id', type: 'integer' },
  digest: { sql: 'm.digest', type: 'text' },
  type: { sql: 'm.kind', type: 'text' },
  // As Harbor: that of the config; of what has none, of the manifest.
  media_type: { sql: 'coalesce(m.config_media_type, m.media_type)', type: 'text' },
  manifest_media_type: { sql: 'm.media_type', type: 'text' },
  artifact_type: { sql: `coalesce(m.artifact_type, '')`, type: 'text' },
  size: { sql: 'm.total_size', type: 'integer' },
  icon: { sql: `coalesce(m.icon, '')`, type: 'text' },
  push_time: { sql: 'm.pushed_at', type: 'time' },
  pull_time: { sql: 'm.pulled_at', type: 'time' },
  pull_count: { sql: 'm.pull_count', type: 'integer' },
  repository_id: { sql: 'm.repository_id', type: 'integer' },
  repository_name: { sql: '(SELECT r.name FROM repository r WHERE r.id = m.repository_id)', type: 'text' },
}
const SORTED: ListColumns = { ...COLUMNS, pull_time: { sql: `coalesce(m.pulled_at, '-infinity')`, type: 'time' } }

/** Newest first: the order of an index, so that a page reads no more of it than its rows. */
export const NEWEST_FIRST: Order = [
  { sql: 'm.pushed_at', descending: true },
  { sql: 'm.id', descending: true },
]

/** Where artifacts are looked for. */
export type ArtifactScope = { repositoryId: number } | { projectId: number; latestInRepository: boolean }

export interface ArtifactFilter {
  /** A condition on `manifest m`. */
  where: string
  /** What its `$1`, `$2`, … are. */
  values: unknown[]
}

/**
 * The condition of Harbor's `q` on artifacts: what filters columns, and `tags`, `labels` and `base` beside them.
 * Without `base=*` children of an index that have no tag, and accessories, are hidden.
 *
 * @throws {BadRequest} outside the grammar, or a value that cannot be one of its column
 */
export function artifactFilter(q: string | undefined, scope: ArtifactScope): ArtifactFilter {
  const terms = parseListQuery(q).map((term): Term => ({ ...term, key: snakeCase(term.key) }))
  const values: unknown[] = ['repositoryId' in scope ? scope.repositoryId : scope.projectId]
  const put = (value: unknown) => `$${values.push(value)}`
  const conditions = [
    within(scope, 'm.repository_id'),
    ...(showsAll(terms) ? [] : ['m.shown']),
    ...terms.filter(({ key }) => key === 'tags').map((term) => tagsSql(term, scope, put)),
    ...terms.filter(({ key }) => key === 'labels').flatMap((term) => labelsSql(term, put)),
  ]
  const columns = filterSql(terms, COLUMNS, values)
  const where = [...conditions, ...(columns === 'true' ? [] : [columns])].join(' AND ')
  if (!('latestInRepository' in scope) || !scope.latestInRepository) return { where, values }
  requireOneType(terms)
  return {
    where: `m.id IN (SELECT DISTINCT ON (m.repository_id) m.id FROM manifest m WHERE ${where}
      ORDER BY m.repository_id, m.pushed_at DESC, m.id DESC)`,
    values,
  }
}

/** {@link NEWEST_FIRST} itself when nothing else is asked for. */
export function artifactOrder(sort: string | undefined): Order {
  return orderOf(parseSort(sort), SORTED, { unique: 'm.id', fallback: NEWEST_FIRST })
}

type Put = (value: unknown) => string

/** `$1` is the repository, or the project. */
function within(scope: ArtifactScope, column: string): string {
  if ('repositoryId' in scope) return `${column} = $1`
  return `${column} IN (SELECT id FROM repository WHERE project_id = $1 AND listed)`
}

function showsAll(terms: readonly Term[]): boolean {
  const base = terms.find(({ key }) => key === 'base')
  if (base === undefined) return false
  if (base.kind === 'exact' && base.value === '*') return true
  throw new BadRequest('the value of "base" query can only be exact match value with "*"')
}

function tagsSql(term: Term, scope: ArtifactScope, put: Put): string {
  const any = 'SELECT 1 FROM tag t WHERE t.manifest_id = m.id'
  // Found by name first: few tags have it, and an index knows them.
  const tagged = (condition: string) =>
    `m.id IN (SELECT t.manifest_id FROM tag t WHERE ${within(scope, 't.repository_id')} AND t.name ${condition})`
  const text = (value: string) => put(withoutNul(value))
  switch (term.kind) {
    case 'exact':
      if (term.value === '*') return `EXISTS (${any})`
      if (term.value === 'nil') return `NOT EXISTS (${any})`
      return tagged(`= ${text(term.value)}`)
    case 'contains':
      return tagged(`ILIKE ${text(containsPattern(term.value))}`)
    case 'any':
      return tagged(`= ANY(ARRAY[${term.values.map(text).join(', ')}]::text[])`)
    case 'all':
      return term.values.map((value) => tagged(`= ${text(value)}`)).join(' AND ')
    case 'range':
      throw new BadRequest('the value of "tags" query can not be a range')
  }
}

function labelsSql(term: Term, put: Put): string[] {
  const carries = (ids: number[]) =>
    `m.id IN (SELECT manifest_id FROM artifact_label WHERE label_id = ANY(${put(ids)}::bigint[]))`
  switch (term.kind) {
    case 'exact':
      return [carries([labelId(term.value)])]
    case 'all':
      return term.values.map((value) => carries([labelId(value)]))
    case 'any':
      return [carries(term.values.map(labelId))]
    default:
      throw new BadRequest('the value of "labels" query can only be integer list with intersetion relationship')
  }
}

function labelId(text: string): number {
  const id = Number(text)
  if (/^\d{1,15}$/.test(text)) return id
  throw new BadRequest('the value of "labels" query can only be integer list with intersetion relationship')
}

/** Harbor's rule: "the latest" is of one kind. */
function requireOneType(terms: readonly Term[]): void {
  const named = terms.filter(({ key, kind }) => (key === 'media_type' || key === 'artifact_type') && kind === 'exact')
  if (named.length === 1) return
  throw new BadRequest('either media_type or artifact_type must be specified when querying with latest_in_repository')
}

function withoutNul(text: string): string {
  if (text.includes('\0')) throw new BadRequest('tags must not hold a zero byte')
  return text
}
