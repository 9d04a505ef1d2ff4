import { adHoc, type Queries, type Statement, statement } from '@berth/db'
import { BadRequest } from '@berth/errors'
import { type ArtifactFilter, artifactOrder, NEWEST_FIRST } from './artifact-filter.ts'
import { orderSql } from './order.ts'
import type { ListScope, Place, Recent } from './recent.ts'
import { windowOf } from './window.ts'

/** Rows that are passed over in about a millisecond; who would pass over more goes by a place that is remembered. */
const FAR = 2_000

/** A list of artifacts, and what is known of it. */
export interface PlacedList {
  db: Queries
  recent: Recent
  within: ListScope
  filter: ArtifactFilter
  total: number
}

interface PlacesWish {
  q?: string
  sort?: string
  page: number
  pageSize: number
  /** Where the page before ended. */
  after?: string
}

interface Places {
  rows: Place[]
  isLast: boolean
}

/** Which artifacts are on a page: from an index alone where nothing is filtered or sorted otherwise. */
export async function readPlaces(list: PlacedList, wish: PlacesWish): Promise<Places> {
  const { page, pageSize, after } = wish
  const order = artifactOrder(wish.sort)
  if (after !== undefined) {
    if (order !== NEWEST_FIRST || page !== 1) throw new BadRequest('after goes with no sort and no page')
    const rows = await readFrom(list, wish, parseCursor(after), { limit: pageSize + 1, isAfter: true })
    return { rows: rows.slice(0, pageSize), isLast: rows.length <= pageSize }
  }
  const window = windowOf(page, pageSize, list.total)
  if (window === undefined) return { rows: [], isLast: true }
  const isLast = order !== NEWEST_FIRST || page * pageSize >= list.total
  if (order === NEWEST_FIRST && window.offset > FAR) return { rows: await readFar(list, wish), isLast }
  const { isReversed } = window
  const rows = await runPlaces(list, wish, orderSql(order, isReversed), window)
  return { rows: isReversed ? rows.reverse() : rows, isLast }
}

/** A page far from both ends: the way to where it begins is gone once, however many ask, and for some seconds after. */
async function readFar(list: PlacedList, wish: PlacesWish): Promise<Place[]> {
  const { recent, within, filter, total } = list
  const begin = (wish.page - 1) * wish.pageSize
  const key = `${filter.where} ${JSON.stringify(filter.values)} ${begin} of ${total}`
  const first = await recent.place(within, key, async () => {
    const window = windowOf(begin + 1, 1, total)
    if (window === undefined) return undefined
    const [row] = await runPlaces(list, wish, orderSql(NEWEST_FIRST, window.isReversed), window)
    return row
  })
  if (first === undefined) return []
  return readFrom(list, wish, first, { limit: wish.pageSize, isAfter: false })
}

/** From this place on, with it or without. */
function readFrom(
  { db, filter }: Pick<PlacedList, 'db' | 'filter'>,
  wish: PlacesWish,
  { micros, id }: Place,
  { limit, isAfter }: { limit: number; isAfter: boolean },
): Promise<Place[]> {
  const [at, last] = [filter.values.length + 1, filter.values.length + 2]
  const place = `(m.pushed_at, m.id) ${isAfter ? '<' : '<='}
    (timestamptz 'epoch' + $${at}::bigint * interval '1 microsecond', $${last}::bigint)`
  const narrowed = { where: `${filter.where} AND ${place}`, values: [...filter.values, micros, id] }
  return runPlaces({ db, filter: narrowed }, wish, orderSql(NEWEST_FIRST), { limit, offset: 0 })
}

const kept = new Map<string, Statement<Place>>()
const MAX_KEPT = 100

interface Part {
  limit: number
  offset: number
}

/** Lists nobody filters or sorts have few forms, with pages of few sizes: the server keeps them. */
function runPlaces(
  { db, filter: { where, values } }: Pick<PlacedList, 'db' | 'filter'>,
  { q, sort }: Pick<PlacesWish, 'q' | 'sort'>,
  order: string,
  { limit, offset }: Part,
): Promise<Place[]> {
  const text = `SELECT m.id, (extract(epoch FROM m.pushed_at) * 1000000)::bigint AS micros
    FROM manifest m WHERE ${where} ORDER BY ${order} LIMIT ${limit}${offset > 0 ? ` OFFSET $${values.length + 1}` : ''}`
  const sql = q === undefined && sort === undefined ? keptSql(text) : adHoc<Place>(text)
  return db.run(sql, offset > 0 ? [...values, offset] : values)
}

function keptSql(text: string): Statement<Place> {
  const known = kept.get(text)
  if (known) return known
  if (kept.size >= MAX_KEPT) return adHoc(text)
  const made = statement<Place>(`artifact-places-${kept.size}`, text)
  kept.set(text, made)
  return made
}

function parseCursor(after: string): Place {
  const [, micros, id] = /^(\d{1,18})\.(\d{1,18})$/.exec(after) ?? []
  if (micros === undefined || id === undefined) throw new BadRequest('after is not what a page before said')
  return { micros: Number(micros), id: Number(id) }
}
