import { createHash, randomBytes } from 'node:crypto'
import { type Queries, statement } from '@berth/db'
import type { UserCaller } from '../caller/caller.ts'

const SID = /^[A-Za-z0-9_-]{43}$/

// Whoever changes the password at this moment goes before or after, and ends the session in both cases.
const insert = statement<{ user_id: number }>(
  'session-insert',
  `INSERT INTO sessions (id_hash, user_id, expires_at)
     SELECT $1, id, now() + make_interval(secs => $3) FROM users
      WHERE id = $2 AND deleted_at IS NULL AND auth_revision = coalesce($4, auth_revision) FOR SHARE
   RETURNING user_id`,
)
const find = statement<{ id: number; username: string; admin: boolean; remaining_seconds: number }>(
  'session-find',
  `SELECT u.id, u.username, u.sysadmin OR u.group_admin AS admin, extract(epoch FROM s.expires_at - now())::float8 AS remaining_seconds
     FROM sessions s JOIN users u ON u.id = s.user_id
    WHERE s.id_hash = $1 AND s.expires_at > now() AND u.deleted_at IS NULL`,
)
const renew = statement(
  'session-renew',
  'UPDATE sessions SET expires_at = now() + make_interval(secs => $2) WHERE id_hash = $1',
)
const remove = statement('session-remove', 'DELETE FROM sessions WHERE id_hash = $1')
const removeOthers = statement(
  'session-remove-others',
  'DELETE FROM sessions WHERE user_id = $1 AND id_hash IS DISTINCT FROM $2',
)
const removeExpired = statement('session-remove-expired', 'DELETE FROM sessions WHERE expires_at < now()')

/** Browser sessions. Their ids are random and kept as SHA-256 only: who reads the table cannot use them. */
export const sessionStore = {
  /** The id to hand to the browser; `undefined`: there is no such user, or none of this revision any more. */
  async create(tx: Queries, user: { id: number; authRevision?: number }, ttlSeconds: number) {
    const sid = randomBytes(32).toString('base64url')
    const made = await tx.run(insert, [hashOf(sid), user.id, ttlSeconds, user.authRevision ?? null])
    return made.length > 0 ? sid : undefined
  },

  async find(db: Queries, sid: string): Promise<{ caller: UserCaller; remainingSeconds: number } | undefined> {
    if (!SID.test(sid)) return undefined
    const session = hashOf(sid)
    const row = await db.find(find, [session])
    if (!row) return undefined
    const caller: UserCaller = { kind: 'user', id: row.id, name: row.username, admin: row.admin, session }
    return { caller, remainingSeconds: row.remaining_seconds }
  },

  renew: (db: Queries, session: Buffer, ttlSeconds: number) => db.run(renew, [session, ttlSeconds]),
  remove: (db: Queries, session: Buffer) => db.run(remove, [session]),
  /** Ends every session of a user but this one. */
  removeOthers: (tx: Queries, userId: number, keep?: Buffer) => tx.run(removeOthers, [userId, keep ?? null]),
  removeExpired: (db: Queries) => db.run(removeExpired),
}

function hashOf(sid: string): Buffer {
  return createHash('sha256').update(sid).digest()
}
