import { type Database, statement } from '@berth/db'
import type { Storage, StorageKey } from '../storage/index.ts'

const BATCH = 500

const list = statement<{ storage_key: StorageKey }>(
  'trash-list',
  'SELECT storage_key FROM trash ORDER BY since LIMIT $1',
)
const forget = statement('trash-forget', 'DELETE FROM trash WHERE storage_key = ANY($1)')

/** Bytes nobody names any more. A key in the trash is never used again, so removing it twice does no harm. */
export interface Trash {
  /** Removes these bytes, whose keys are in the trash. */
  remove(keys: readonly StorageKey[]): Promise<void>
  /** Removes what is there; answers how many. */
  empty(): Promise<number>
}

export function createTrash(database: Database, storage: Storage): Trash {
  const remove = async (keys: readonly StorageKey[]) => {
    if (keys.length === 0) return
    await storage.remove(keys)
    await database.run(forget, [keys])
  }
  return {
    remove,
    async empty() {
      let removed = 0
      for (;;) {
        const keys = (await database.run(list, [BATCH])).map((row) => row.storage_key)
        if (keys.length === 0) return removed
        await remove(keys)
        removed += keys.length
      }
    },
  }
}
