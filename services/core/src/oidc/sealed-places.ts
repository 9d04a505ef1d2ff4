import { type Queries, type Statement, statement } from '@berth/db'
import type { SealedPlace } from '../secret/index.ts'
import { PURPOSE } from './purposes.ts'

interface StaleRow {
  id: string
  sealed: string
}

/** What is sealed of people of the provider, for who closes everything anew under another secret key. */
export const oidcPlaces: readonly SealedPlace[] = [
  place(
    'cli secrets',
    PURPOSE.cliSecret,
    statement(
      'oidc-stale-cli-secrets',
      `SELECT user_id::text AS id, cli_secret AS sealed FROM oidc_people
        WHERE user_id::text > $1 AND NOT starts_with(cli_secret, $2) ORDER BY user_id::text LIMIT $3`,
    ),
    statement(
      'oidc-reseal-cli-secret',
      'UPDATE oidc_people SET cli_secret = $3 WHERE user_id = $1::integer AND cli_secret = $2',
    ),
  ),
  place(
    'refresh tokens',
    PURPOSE.refreshToken,
    statement(
      'oidc-stale-refresh-tokens',
      `SELECT user_id::text AS id, refresh_token AS sealed FROM oidc_people
        WHERE user_id::text > $1 AND refresh_token IS NOT NULL AND NOT starts_with(refresh_token, $2)
        ORDER BY user_id::text LIMIT $3`,
    ),
    statement(
      'oidc-reseal-refresh-token',
      'UPDATE oidc_people SET refresh_token = $3 WHERE user_id = $1::integer AND refresh_token = $2',
    ),
  ),
  place(
    'id tokens',
    () => PURPOSE.idToken,
    statement(
      'oidc-stale-id-tokens',
      `SELECT encode(session, 'hex') AS id, id_token AS sealed FROM oidc_sessions
        WHERE encode(session, 'hex') > $1 AND id_token IS NOT NULL AND NOT starts_with(id_token, $2)
        ORDER BY encode(session, 'hex') LIMIT $3`,
    ),
    statement(
      'oidc-reseal-id-token',
      `UPDATE oidc_sessions SET id_token = $3 WHERE session = decode($1, 'hex') AND id_token = $2`,
    ),
  ),
]

function place(
  name: string,
  purposeOf: (id: string) => string,
  stale: Statement<StaleRow>,
  replace: Statement<unknown>,
): SealedPlace {
  return {
    name,
    async stale(db: Queries, mark, after, limit) {
      const rows = await db.run(stale, [after, mark, limit])
      return rows.map(({ id, sealed }) => ({ id, sealed, purpose: purposeOf(id) }))
    },
    replace: async (db, id, before, sealed) => void (await db.run(replace, [id, before, sealed])),
  }
}
