import { statement } from '@berth/db'
import type { SealedPlace } from '../secret/index.ts'
import { purposeOf } from './settings.ts'

const stale = statement<{ id: string; sealed: string }>(
  'settings-stale',
  `SELECT key AS id, value ->> 'sealed' AS sealed FROM settings
    WHERE jsonb_typeof(value) = 'object' AND value ->> 'sealed' IS NOT NULL
      AND key > $1 AND NOT starts_with(value ->> 'sealed', $2)
    ORDER BY key LIMIT $3`,
)
const replace = statement(
  'settings-replace',
  `UPDATE settings SET value = jsonb_build_object('sealed', $3::text) WHERE key = $1 AND value ->> 'sealed' = $2`,
)

/** The secret settings, for who closes everything anew. */
export const settingPlace: SealedPlace = {
  name: 'settings',
  async stale(db, mark, after, limit) {
    const rows = await db.run(stale, [after, mark, limit])
    return rows.map(({ id, sealed }) => ({ id, sealed, purpose: purposeOf(id) }))
  },
  replace: async (db, id, before, sealed) => void (await db.run(replace, [id, before, sealed])),
}
