import { type Database, statement } from '@berth/db'
import type { Storage, StorageKey } from '../storage/index.ts'
import { remainingOf } from '../upload/index.ts'

const BATCH = 1_000

const listThrown = statement<{ storage_key: StorageKey }>(
  'gc-list-thrown',
  `SELECT storage_key FROM trash WHERE since <= (SELECT phase_at FROM gc_run WHERE id = $1) ORDER BY since LIMIT ${BATCH}`,
)
const forget = statement('gc-forget-thrown', 'DELETE FROM trash WHERE storage_key = ANY($1)')
const postpone = statement('gc-postpone-thrown', 'UPDATE trash SET since = now() WHERE storage_key = ANY($1)')

/**
 * Removes bytes whose keys are in the trash, so many requests at a time, and then their rows there. Answers which ones
 * the storage does not let go of; they stay in the trash, behind everything else.
 */
export async function removeInParts(
  database: Database,
  storage: Storage,
  keys: readonly StorageKey[],
  workers: number,
): Promise<Set<string>> {
  const remain = new Set<string>()
  if (keys.length === 0) return remain
  const size = Math.ceil(keys.length / workers)
  const parts = Array.from({ length: Math.ceil(keys.length / size) }, (_, i) => keys.slice(i * size, (i + 1) * size))
  await Promise.all(
    parts.map(async (part) => {
      for (const key of await remainingOf(storage, part)) remain.add(key)
      await database.run(forget, [part.filter((key) => !remain.has(key))])
    }),
  )
  if (remain.size > 0) await database.run(postpone, [[...remain]])
  return remain
}

/** Those of the keys nothing is stored under; asked one by one, for the few that are in doubt. */
export async function absentOf(storage: Storage, keys: readonly StorageKey[]): Promise<Set<string>> {
  const absent = new Set<string>()
  for (const key of keys) {
    const [entry] = await storage.list(key, '', 1)
    if (entry?.name !== key) absent.add(key)
  }
  return absent
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
