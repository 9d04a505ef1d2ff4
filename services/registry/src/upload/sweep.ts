import type { Logger } from '@berth/runtime'
import type { Storage } from '../storage/index.ts'
import type { Trash } from './trash.ts'
import type { UploadStore } from './upload-store.ts'

const BATCH = 100
const HOUR_MS = 3_600_000

export interface Sweep {
  /** One round at once; answers how many sessions were removed. */
  run(): Promise<number>
  stop(): Promise<void>
}

/**
 * Every `everyMs` removes sessions past their time with all they left in the storage, files no session knows, and what
 * the trash holds. Any number of replicas may do it at once: an expired session is taken by a hold like any writer's.
 */
export function startUploadSweep(parts: {
  store: UploadStore
  storage: Storage
  trash: Trash
  log: Logger
  ttlMs: number
  everyMs: number
}): Sweep {
  const { store, storage, trash, log, ttlMs, everyMs } = parts

  async function sweepSessions(): Promise<number> {
    let swept = 0
    for (;;) {
      const expired = await store.takeExpired(BATCH)
      for (const { id, generation, path, sealed_key } of expired) {
        await storage.discard(path)
        if (sealed_key !== null && !(await store.isLive(sealed_key))) await storage.remove([sealed_key])
        await store.forget({ id, generation })
      }
      swept += expired.length
      if (expired.length < BATCH) return swept
    }
  }

  async function run(): Promise<number> {
    const swept = await sweepSessions()
    const orphans = await storage.discardAbandoned(ttlMs + HOUR_MS)
    const removed = await trash.empty()
    if (swept + orphans + removed > 0) log.info('removed what uploads left behind', { swept, orphans, removed })
    return swept
  }

  let running: Promise<unknown> = Promise.resolve()
  const timer = setInterval(() => {
    running = run().catch((err) => log.warn('cannot sweep uploads, will try again', { err }))
  }, everyMs)
  return {
    run,
    stop: async () => {
      clearInterval(timer)
      await running
    },
  }
}
