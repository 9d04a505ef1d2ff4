import type { Database } from '@berth/db'

/**
 * Does `work` while no other replica does what has this name; false when one does. The lock is that of a connection of
 * its own: it ends with the process. Should the connection break, two may work at once, which harms nothing.
 */
export async function alone(database: Database, name: string, work: () => Promise<void>): Promise<boolean> {
  const holder = await database.connect()
  try {
    const { rows } = await holder.query<{ held: boolean }>('SELECT pg_try_advisory_lock(hashtext($1)) AS held', [
      `berth registry ${name}`,
    ])
    if (rows[0]?.held !== true) return false
    await work()
    return true
  } finally {
    await holder.end().catch(() => undefined)
  }
}
