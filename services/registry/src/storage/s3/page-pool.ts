/** The size of every page. */
export const PAGE_BYTES = 256 * 1024
const POOL_BYTES = 64 * 1024 * 1024

/** Somebody who gathers bytes in pages until there are enough of them to be sent. */
export interface PageUser {
  /** Pages that are gathered and not on their way. */
  readonly idlePages: number
  /** Sends what is gathered, however little that is, and gives its pages back. False: not just now. */
  relieve(): boolean
}

/**
 * The memory all uploads of a process gather their parts in. When it is used up a writer waits for a page, and so does
 * its client; whoever has gathered most sends what it has, so that a slow client keeps nobody waiting. Who waits and has
 * gathered most gets the next page: what is sent early is then mostly long enough to be a part.
 */
export interface PagePool {
  enter(user: PageUser): void
  /** Once it holds no pages any more. */
  leave(user: PageUser): void
  take(user: PageUser): Promise<Buffer>
  give(pages: readonly Buffer[]): void
  /** Pages that are held by somebody. */
  readonly held: number
}

export function pagePool(bytes: number = POOL_BYTES): PagePool {
  const limit = Math.max(1, Math.floor(bytes / PAGE_BYTES))
  const users = new Set<PageUser>()
  const free: Buffer[] = []
  const waiting: { user: PageUser; resolve: (page: Buffer) => void }[] = []
  let held = 0

  function relieve(): void {
    let idle = 0
    for (const user of users) idle += user.idlePages
    // Pages on their way come back by themselves.
    if (idle < held) return
    for (const user of [...users].sort((a, b) => b.idlePages - a.idlePages)) {
      if (user.idlePages > 0 && user.relieve()) return
    }
  }

  function nextInTurn() {
    const first = waiting.reduce((best, one, i) => {
      return one.user.idlePages > (waiting[best]?.user.idlePages ?? 0) ? i : best
    }, 0)
    return waiting.splice(first, 1)[0]
  }

  return {
    enter: (user) => void users.add(user),
    leave: (user) => void users.delete(user),
    take(user) {
      const page = free.pop() ?? (held < limit ? Buffer.allocUnsafeSlow(PAGE_BYTES) : undefined)
      if (page !== undefined) {
        held++
        return Promise.resolve(page)
      }
      return new Promise((resolve) => {
        waiting.push({ user, resolve })
        relieve()
      })
    },
    give(pages) {
      for (const page of pages) {
        const next = nextInTurn()
        if (next !== undefined) next.resolve(page)
        else {
          free.push(page)
          held--
        }
      }
      if (waiting.length > 0) relieve()
    },
    get held() {
      return held
    },
  }
}
