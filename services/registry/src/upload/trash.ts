import { type Database, statement } from '@berth/db'
import { BytesRemain, type Storage, type StorageKey } from '../storage/index.ts'

const BATCH = 500

const list = statement<{ storage_key: StorageKey }>(
  'trash-list',
  'SELECT storage_key FROM trash WHERE since <= to_timestamp($2) ORDER BY since LIMIT $1',
)
const forget = statement('trash-forget', 'DELETE FROM trash WHERE storage_key = ANY($1)')
const postpone = statement('trash-postpone', 'UPDATE trash SET since = now() WHERE storage_key = ANY($1)')
const clock = statement<{ now: number }>('trash-clock', 'SELECT extract(epoch FROM now())::float8 AS now')

/** Bytes nobody names any more. A key in the trash is never used again, so removing it twice does no harm. */
export interface Trash {
  /** Removes these bytes, whose keys are in the trash; what the storage does not let go of stays there. */
  remove(keys: readonly StorageKey[]): Promise<void>
  /** Removes what is there; answers how many. */
  empty(): Promise<number>
}

export function createTrash(database: Database, storage: Storage): Trash {
  const remove = async (keys: readonly StorageKey[]) => {
    if (keys.length === 0) return 0
    const remain = await remainingOf(storage, keys)
    await database.run(forget, [keys.filter((key) => !remain.includes(key))])
    // What the storage does not let go of must not keep the rest from its turn.
    if (remain.length > 0) await database.run(postpone, [remain])
    return keys.length - remain.length
  }
  return {
    remove: async (keys) => void (await remove(keys)),
    async empty() {
      const begun = (await database.find(clock, []))?.now ?? 0
      let removed = 0
      for (;;) {
        const keys = (await database.run(list, [BATCH, begun])).map((row) => row.storage_key)
        if (keys.length === 0) return removed
        removed += await remove(keys)
      }
    },
  }
}

/** Removes bytes; answers the keys the storage does not let go of. */
export async function remainingOf(storage: Storage, keys: readonly StorageKey[]): Promise<readonly string[]> {
  try {
    await storage.remove(keys)
    return []
  } catch (err) {
    if (err instanceof BytesRemain) return err.keys
    throw err
  }
}
