import { type Page, parseListQuery, parseSort, type Queries } from '@berth/db'
import { LRUCache } from 'lru-cache'
import { requireSignedIn, requireSystem } from '../access/index.ts'
import type { Caller } from '../caller/caller.ts'
import type { ProjectDoor } from '../project/index.ts'
import { scopeOf } from './audit-scope.ts'
import { type AuditList, type AuditRecord, type AuditScope, auditStore } from './audit-store.ts'
import { AUDIT_EVENT_TYPES } from './event-types.ts'

/** What is asked of a list. */
interface AuditQuery {
  /** Harbor's older list, without results. */
  legacy: boolean
  q?: string
  sort?: string
}

interface AuditPage {
  records: AuditRecord[]
  total: number
}

/** The lists of the audit log; each decides whose entries its caller may see. */
export interface AuditLists {
  /** Of everything the caller may see. */
  all(caller: Caller, query: AuditQuery, page: Page): Promise<AuditPage>
  /** Of one project, by its name. */
  ofProject(caller: Caller, name: string, query: AuditQuery, page: Page): Promise<AuditPage>
  /** The names of what is recorded. */
  eventTypes(caller: Caller): readonly string[]
}

/**
 * Counting a long list costs more than reading a page of it; a count over this is remembered for a while. A list of so
 * few is sorted whole: the database would rather walk the log by its time, past everything others did, until it has
 * met a page of them.
 */
const CHEAP = 5_000
const REMEMBERED_MS = 10_000

export function createAuditLists(deps: { db: Queries; door: ProjectDoor }): AuditLists {
  const { db, door } = deps
  const totals = new LRUCache<string, Promise<number>>({ max: 500, ttl: REMEMBERED_MS })

  async function count(list: AuditList): Promise<number> {
    const key = JSON.stringify(list)
    const known = totals.get(key)
    if (known !== undefined) return known
    const counting = auditStore.count(db, list)
    totals.set(key, counting)
    try {
      const total = await counting
      if (total <= CHEAP) totals.delete(key)
      return total
    } catch (err) {
      totals.delete(key)
      throw err
    }
  }

  async function read(scope: AuditScope, { legacy, q, sort }: AuditQuery, page: Page): Promise<AuditPage> {
    const list = { scope, legacy, terms: parseListQuery(q) }
    const total = await count(list)
    if (total <= page.offset) return { records: [], total }
    return { records: await auditStore.list(db, list, { sort: parseSort(sort), page, few: total <= CHEAP }), total }
  }

  return {
    async all(caller, query, page) {
      requireSignedIn(caller)
      return read(scopeOf(caller), query, page)
    },
    async ofProject(caller, name, query, page) {
      const { project } = await door.enter(caller, { name }, 'log', 'list')
      return read({ kind: 'some', ids: [project.id] }, query, page)
    },
    eventTypes(caller) {
      requireSystem(caller, 'audit-log', 'list')
      return AUDIT_EVENT_TYPES
    },
  }
}
