import { type Queries, statement } from '@berth/db'

/** What the table holds: values by key, and the number that every change of it raises. */
export interface StoredSettings {
  revision: number
  values: Map<string, unknown>
}

const all = statement<{ revision: number; key: string | null; value: unknown }>(
  'settings-all',
  'SELECT r.revision, s.key, s.value FROM setting_revision r LEFT JOIN settings s ON true',
)
const lock = statement('settings-lock', 'SELECT revision FROM setting_revision FOR UPDATE')
const put = statement<{ key: string }>(
  'settings-put',
  `INSERT INTO settings (key, value) SELECT v.key, v.value
     FROM jsonb_to_recordset($1::jsonb) AS v (key text, value jsonb)
   ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = now()
    WHERE settings.value IS DISTINCT FROM excluded.value
   RETURNING key`,
)
const raise = statement(
  'settings-raise',
  'UPDATE setting_revision SET revision = greatest(revision, $1::bigint) + 1 WHERE revision <= $1::bigint',
)
const otherUsers = statement<{ found: boolean }>(
  'settings-other-users',
  'SELECT EXISTS (SELECT 1 FROM users WHERE id <> 1 AND deleted_at IS NULL) AS found',
)

export const settingStore = {
  /** Seen at one moment. */
  async all(db: Queries): Promise<StoredSettings> {
    const rows = await db.run(all)
    const values = new Map<string, unknown>()
    for (const { key, value } of rows) if (key !== null) values.set(key, value)
    return { revision: rows[0]?.revision ?? 0, values }
  },
  /** Lets one change of the settings happen at a time. */
  lock: (tx: Queries) => tx.run(lock),
  /** Keys whose value is another one now. */
  async put(tx: Queries, values: ReadonlyMap<string, unknown>): Promise<string[]> {
    // A statement that changes no row would raise the revision too.
    if (values.size === 0) return []
    const rows = [...values].map(([key, value]) => ({ key, value }))
    return (await tx.run(put, [JSON.stringify(rows)])).map(({ key }) => key)
  },
  /** Takes the revision above `than`; nothing where it is already. */
  raiseAbove: (db: Queries, than: number) => db.run(raise, [than]),
  /** Whether there are people beside the admin. */
  hasOtherUsers: async (db: Queries) => (await db.find(otherUsers))?.found ?? false,
}
