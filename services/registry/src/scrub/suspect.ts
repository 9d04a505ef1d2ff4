import type { Database } from '@berth/db'
import type { Logger } from '@berth/runtime'
import type { Storage } from '../storage/index.ts'
import { hashStored } from './hash-stored.ts'
import { markCorrupt, type SeenBlob } from './mark-corrupt.ts'
import { paceOf } from './pace.ts'

/** So many wait to be looked at; of more it is the scrub that finds them. */
const MAX_WAITING = 100

/**
 * For whoever misses the bytes of a blob: has it looked at soon, one after the other, and marked if they are gone
 * indeed, so that the next push heals it and does not wait for the scrub.
 */
export function suspects(parts: {
  database: Database
  storage: Storage
  log: Logger
  onChange: () => void
}): (blob: SeenBlob) => void {
  const { database, storage, log, onChange } = parts
  const waiting = new Map<number, SeenBlob>()
  let isWorking = false

  async function work(): Promise<void> {
    for (const [id, blob] of waiting) {
      waiting.delete(id)
      try {
        const finding = await hashStored(storage, blob, paceOf(Number.POSITIVE_INFINITY))
        if (finding === 'good' || !(await markCorrupt(database, blob, finding))) continue
        log.error('stored bytes are corrupt', { digest: blob.digest, found: finding })
        onChange()
      } catch (err) {
        log.warn('stored bytes could not be read to verify them', { digest: blob.digest, err })
      }
    }
  }

  return (blob) => {
    if (waiting.size >= MAX_WAITING) return
    waiting.set(blob.id, blob)
    if (isWorking) return
    isWorking = true
    void work().finally(() => {
      isWorking = false
    })
  }
}
