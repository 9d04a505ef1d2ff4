import pg from 'pg'
import type { SettingValues } from '../setting/table.ts'

/** For tests: writes settings into the table of a core, secrets as they are. */
export async function storeSettings(databaseUrl: string, values: SettingValues): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    for (const [key, value] of Object.entries(values)) {
      await client.query(
        `INSERT INTO core.settings (key, value) VALUES ($1, $2)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = now()`,
        [key, JSON.stringify(value)],
      )
    }
  } finally {
    await client.end()
  }
}
