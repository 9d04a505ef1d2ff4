import { createHash } from 'node:crypto'
import { projectOf, type RepositoryName } from '@berth/oci'
import { LRUCache } from 'lru-cache'

const KEPT_MS = 3_000
const KEPT = 1_000
/** What is counted in less than a millisecond is counted every time. */
const CHEAP = 5_000
/** A key longer than this, as of thousands of projects, is remembered by its hash. */
const MAX_KEY = 500

/** What a list goes over: one repository, one project, or more than that. */
export type TotalScope = { repository: string } | { project: string } | 'everything'

/** How many rows lists have. */
export interface Totals {
  /**
   * Counts, unless a large count under this key is less than three seconds old. Who asks at the same time shares one
   * count.
   */
  of(scope: TotalScope, key: string, count: () => Promise<number>): Promise<number>
  /** To be called after every change made here: what the change may be seen in is counted anew. */
  forget(repository?: RepositoryName): void
}

interface Kept {
  scope: TotalScope
  total: number
}

interface Counting {
  scope: TotalScope
  total: Promise<number>
  /** Something changed since it began, which it may not have seen. */
  isStale: boolean
}

export function createTotals(): Totals {
  const kept = new LRUCache<string, Kept>({ max: KEPT, ttl: KEPT_MS })
  const counting = new Map<string, Counting>()

  function start(scope: TotalScope, key: string, count: () => Promise<number>): Counting {
    const running: Counting = { scope, isStale: false, total: count() }
    running.total = running.total
      .then((total) => {
        if (total > CHEAP && !running.isStale) kept.set(key, { scope, total })
        return total
      })
      .finally(() => {
        if (counting.get(key) === running) counting.delete(key)
      })
    counting.set(key, running)
    return running
  }

  return {
    of(scope, name, count) {
      const key = name.length > MAX_KEY ? createHash('sha256').update(name).digest('base64') : name
      const known = kept.get(key)
      if (known !== undefined) return Promise.resolve(known.total)
      return (counting.get(key) ?? start(scope, key, count)).total
    },
    forget(repository) {
      for (const [key, { scope }] of [...kept.entries()]) {
        if (concerns(scope, repository)) kept.delete(key)
      }
      for (const [key, running] of counting) {
        if (!concerns(running.scope, repository)) continue
        running.isStale = true
        counting.delete(key)
      }
    },
  }
}

/** Whether a change in a repository, or somewhere, may be seen in a list of this scope. */
function concerns(scope: TotalScope, repository: RepositoryName | undefined): boolean {
  if (scope === 'everything' || repository === undefined) return true
  return 'repository' in scope ? scope.repository === repository : scope.project === projectOf(repository)
}
