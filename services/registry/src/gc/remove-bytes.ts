import { type Database, statement } from '@berth/db'
import type { Storage, StorageKey } from '../storage/index.ts'

const BATCH = 1_000

const listThrown = statement<{ storage_key: StorageKey }>(
  'gc-list-thrown',
  `SELECT storage_key FROM trash WHERE since <= (SELECT phase_at FROM gc_run WHERE id = $1) ORDER BY since LIMIT ${BATCH}`,
)
const forget = statement('gc-forget-thrown', 'DELETE FROM trash WHERE storage_key = ANY($1)')

/** Removes bytes whose keys are in the trash, so many requests at a time, and then their rows there. */
export async function removeInParts(
  database: Database,
  storage: Storage,
  keys: readonly StorageKey[],
  workers: number,
): Promise<void> {
  if (keys.length === 0) return
  const size = Math.ceil(keys.length / workers)
  const parts = Array.from({ length: Math.ceil(keys.length / size) }, (_, i) => keys.slice(i * size, (i + 1) * size))
  await Promise.all(
    parts.map(async (part) => {
      await storage.remove(part)
      await database.run(forget, [part])
    }),
  )
}

/** Removes a batch of what was thrown away before this phase of the run began; answers which keys there were. */
export async function sweepTrash(
  database: Database,
  storage: Storage,
  run: { id: number; workers: number },
): Promise<StorageKey[]> {
  const keys = (await database.run(listThrown, [run.id])).map((row) => row.storage_key)
  await removeInParts(database, storage, keys, run.workers)
  return keys
}
