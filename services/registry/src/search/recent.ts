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
export type ListScope = { repository: string } | { project: string } | 'everything'

/** The place of an artifact in the list of the newest. */
export interface Place {
  id: number
  /** Of `pushed_at`, since 1970: a Date would lose the micro. */
  micros: number
}

/** Finds something, unless it was found under this key less than three seconds ago. Who asks at the same time shares it. */
type Remembered<T> = (scope: ListScope, key: string, find: () => Promise<T>) => Promise<T>

/** What is costly to find in long lists and seldom changes from one page to the next. */
export interface Recent {
  /** How many rows a list has; a small count is made each time. */
  total: Remembered<number>
  /** Where a page far inside a list begins; `undefined`: the list ends before it. */
  place: Remembered<Place | undefined>
  /** To be called after every change made here: what the change may be seen in is found anew. */
  forget(repository?: RepositoryName): void
}

export function createRecent(): Recent {
  const totals = createMemory<number>((total) => total > CHEAP)
  const places = createMemory<Place | undefined>(() => true)
  return {
    total: totals.of,
    place: places.of,
    forget(repository) {
      totals.forget(repository)
      places.forget(repository)
    },
  }
}

interface Finding<T> {
  scope: ListScope
  value: Promise<T>
  /** Something changed since it began, which it may not have seen. */
  isStale: boolean
}

function createMemory<T>(isKept: (value: T) => boolean): { of: Remembered<T>; forget: Recent['forget'] } {
  const kept = new LRUCache<string, { scope: ListScope; value: T }>({ max: KEPT, ttl: KEPT_MS })
  const finding = new Map<string, Finding<T>>()

  function start(scope: ListScope, key: string, find: () => Promise<T>): Finding<T> {
    const running: Finding<T> = { scope, isStale: false, value: find() }
    running.value = running.value
      .then((value) => {
        if (isKept(value) && !running.isStale) kept.set(key, { scope, value })
        return value
      })
      .finally(() => {
        if (finding.get(key) === running) finding.delete(key)
      })
    finding.set(key, running)
    return running
  }

  return {
    of(scope, name, find) {
      const key = name.length > MAX_KEY ? createHash('sha256').update(name).digest('base64') : name
      const known = kept.get(key)
      if (known !== undefined) return Promise.resolve(known.value)
      return (finding.get(key) ?? start(scope, key, find)).value
    },
    forget(repository) {
      for (const [key, { scope }] of [...kept.entries()]) {
        if (concerns(scope, repository)) kept.delete(key)
      }
      for (const [key, running] of finding) {
        if (!concerns(running.scope, repository)) continue
        running.isStale = true
        finding.delete(key)
      }
    },
  }
}

/** Whether a change in a repository, or somewhere, may be seen in a list of this scope. */
function concerns(scope: ListScope, repository: RepositoryName | undefined): boolean {
  if (scope === 'everything' || repository === undefined) return true
  return 'repository' in scope ? scope.repository === repository : scope.project === projectOf(repository)
}
