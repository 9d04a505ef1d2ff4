import type { Hasher, SessionId } from '@berth/oci'
import { LRUCache } from 'lru-cache'

const REMEMBERED = 5_000
const REMEMBERED_MS = 3_600_000

/** The digest of a session so far, as its last holder on this replica left it. */
interface RunningHash {
  generation: number
  offset: number
  hasher: Hasher
}

/** Keeps digests between the requests of a session; what is not kept is rebuilt by reading the bytes once. */
export interface RunningHashes {
  /** The digest of exactly these bytes, if the hold before `generation` was ours. It is handed out once. */
  take(id: SessionId, generation: number, offset: number): Hasher | undefined
  keep(id: SessionId, running: RunningHash): void
}

export function runningHashes(): RunningHashes {
  const running = new LRUCache<SessionId, RunningHash>({ max: REMEMBERED, ttl: REMEMBERED_MS })
  return {
    take(id, generation, offset) {
      const found = running.get(id)
      if (found === undefined) return undefined
      running.delete(id)
      return found.generation === generation - 1 && found.offset === offset ? found.hasher : undefined
    },
    keep: (id, hash) => void running.set(id, hash),
  }
}
