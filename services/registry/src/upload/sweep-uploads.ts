import type { Storage } from '../storage/index.ts'
import type { Trash } from './trash.ts'
import type { UploadStore } from './upload-store.ts'

const BATCH = 100
const HOUR_MS = 3_600_000

/**
 * Removes sessions past their time with all they left in the storage, files no session knows, and what the trash
 * holds. Any number of replicas may do it at once: an expired session is taken by a hold like any writer's.
 */
export async function sweepUploads(parts: {
  store: UploadStore
  storage: Storage
  trash: Trash
  ttlMs: number
}): Promise<{ sessions: number; files: number; keys: number }> {
  const { store, storage, trash, ttlMs } = parts
  const sessions = await sweepSessions(parts)
  const files = await storage.discardAbandoned(ttlMs + HOUR_MS, (session) => store.exists(session))
  const keys = await trash.empty()
  return { sessions, files, keys }
}

async function sweepSessions({ store, storage, trash }: { store: UploadStore; storage: Storage; trash: Trash }) {
  let swept = 0
  for (;;) {
    const expired = await store.takeExpired(BATCH)
    for (const { id, generation, path, offset_bytes: offset, storage_state: state, sealed_key } of expired) {
      const upload = { path, offset, state }
      const spent = storage.keysOf(upload)
      if (sealed_key !== null && !spent.includes(sealed_key) && !(await store.isLive(sealed_key)))
        spent.push(sealed_key)
      if (!(await store.forget({ id, generation }, spent))) continue
      await storage.discard(upload)
      await trash.remove(spent)
    }
    swept += expired.length
    if (expired.length < BATCH) return swept
  }
}
