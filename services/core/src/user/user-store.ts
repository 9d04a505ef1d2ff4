import {
  containsPattern,
  filterSql,
  type ListColumns,
  listRows,
  lookup,
  type Page,
  parseListQuery,
  parseSort,
  type Queries,
  sortSql,
  statement,
} from '@berth/db'
import type { Account, Profile, Remains, User } from './user.ts'

interface UserRow {
  id: number
  username: string
  email: string | null
  realname: string
  comment: string
  sysadmin: boolean
  group_admin: boolean
  created_at: Date
  updated_at: Date
}

const FIELDS = 'id, username, email, realname, comment, sysadmin, group_admin, created_at, updated_at'
const ACCOUNT = `id, username, sysadmin, group_admin AS "groupAdmin", password_hash AS "passwordHash",
  auth_revision AS "authRevision"`

/** What `q` and `sort` may look at. What signs people in is not among it. */
const USER_COLUMNS: ListColumns = {
  user_id: { sql: 'id', type: 'integer' },
  username: { sql: 'username', type: 'text' },
  email: { sql: 'email', type: 'text' },
  realname: { sql: 'realname', type: 'text' },
  sysadmin_flag: { sql: 'sysadmin', type: 'boolean' },
  creation_time: { sql: 'created_at', type: 'time' },
  update_time: { sql: 'updated_at', type: 'time' },
}

const byId = statement<UserRow>(
  'user-by-id',
  `SELECT ${FIELDS} FROM users WHERE id = $1::bigint AND deleted_at IS NULL`,
)
const accountById = statement<Account>(
  'account-by-id',
  `SELECT ${ACCOUNT} FROM users WHERE id = $1 AND deleted_at IS NULL`,
)
const accountByName = statement<Account>(
  'account-by-name',
  `SELECT ${ACCOUNT} FROM users WHERE username = $1 AND deleted_at IS NULL`,
)
const lock = statement<Account>(
  'user-lock',
  `SELECT ${ACCOUNT} FROM users WHERE id = $1::bigint AND deleted_at IS NULL FOR UPDATE`,
)
const insert = statement<{ id: number }>(
  'user-insert',
  'INSERT INTO users (username, email, realname, comment, password_hash) VALUES ($1, $2, $3, $4, $5) RETURNING id',
)
const updateProfile = statement(
  'user-update-profile',
  'UPDATE users SET email = $2, realname = $3, comment = $4, updated_at = now() WHERE id = $1',
)
const updatePassword = statement<{ id: number }>(
  'user-update-password',
  `UPDATE users SET password_hash = $2, auth_revision = auth_revision + 1, updated_at = now()
    WHERE id = $1 AND deleted_at IS NULL AND auth_revision = coalesce($3, auth_revision) RETURNING id`,
)
const updateSysadmin = statement(
  'user-update-sysadmin',
  'UPDATE users SET sysadmin = $2, auth_revision = auth_revision + 1, updated_at = now() WHERE id = $1',
)
const remove = statement(
  'user-remove',
  `UPDATE users SET username = $2, email = $3, realname = $4, comment = $5, password_hash = NULL, sysadmin = false,
     group_admin = false, auth_revision = auth_revision + 1, deleted_at = now(), updated_at = now() WHERE id = $1`,
)
const removeOutside = [
  statement('user-remove-identities', 'DELETE FROM identities WHERE user_id = $1'),
  statement('user-remove-oidc', 'DELETE FROM oidc_people WHERE user_id = $1'),
]
const taken = statement<{ taken: boolean }>(
  'user-taken',
  `SELECT EXISTS (SELECT FROM users
     WHERE deleted_at IS NULL AND CASE $1 WHEN 'email' THEN email ELSE username END = $2) AS taken`,
)
const firstPassword = statement<{ id: number }>(
  'user-first-password',
  'UPDATE users SET password_hash = $2, auth_revision = auth_revision + 1 WHERE id = $1 AND password_hash IS NULL RETURNING id',
)

export const userStore = {
  find: async (db: Queries, id: number): Promise<User | undefined> => toUser(await db.find(byId, [id])),
  accountById: (db: Queries, id: number) => db.find(accountById, [id]),
  /** The same for each request: those of many at once are found together. */
  accountLookup: (db: Queries): ((id: number) => Promise<Account | undefined>) => {
    const found = lookup<Account>(db, accountById, ['bigint'])
    return (id) => found([id])
  },
  accountByName: (db: Queries, username: string) => db.find(accountByName, [username]),
  /** Locks the row until the transaction ends. */
  lock: (tx: Queries, id: number) => tx.find(lock, [id]),
  async insert(tx: Queries, user: Profile & { username: string; passwordHash: string }): Promise<number> {
    const { username, email, realname, comment, passwordHash } = user
    const row = await tx.find(insert, [username, email, realname, comment, passwordHash])
    return row?.id as number
  },
  updateProfile: (tx: Queries, id: number, { email, realname, comment }: Profile) =>
    tx.run(updateProfile, [id, email, realname, comment]),
  /** False: there is no such user, or none of this revision any more. */
  updatePassword: async (tx: Queries, id: number, passwordHash: string, authRevision?: number) =>
    (await tx.run(updatePassword, [id, passwordHash, authRevision ?? null])).length > 0,
  updateSysadmin: (tx: Queries, id: number, sysadmin: boolean) => tx.run(updateSysadmin, [id, sysadmin]),
  /** Keeps the row, without what anybody could sign in with here or outside. */
  async remove(tx: Queries, id: number, { username, email, realname, comment }: Remains): Promise<void> {
    await tx.run(remove, [id, username, email, realname, comment])
    for (const one of removeOutside) await tx.run(one, [id])
  },
  isTaken: async (db: Queries, what: 'username' | 'email', value: string) =>
    (await db.find(taken, [what, value]))?.taken === true,
  /** Whether it was the first one. */
  setFirstPassword: async (db: Queries, id: number, passwordHash: string) =>
    (await db.run(firstPassword, [id, passwordHash])).length > 0,

  async list(db: Queries, query: { q?: string; sort?: string }, page: Page): Promise<{ users: User[]; total: number }> {
    const values: unknown[] = []
    const where = `deleted_at IS NULL AND ${filterSql(parseListQuery(query.q), USER_COLUMNS, values)}`
    const order = sortSql(parseSort(query.sort), USER_COLUMNS, 'username, id')
    return listWhere(db, where, order, values, page)
  },
  search: (db: Queries, username: string, page: Page) =>
    listWhere(db, 'deleted_at IS NULL AND username ILIKE $1', 'username, id', [containsPattern(username)], page),
}

async function listWhere(db: Queries, where: string, order: string, values: readonly unknown[], page: Page) {
  const sql = { select: `SELECT ${FIELDS} FROM users`, from: 'FROM users', where, order }
  const { rows, total } = await listRows<UserRow>(db, sql, values, page)
  return { users: rows.map((row) => toUser(row) as User), total }
}

function toUser(row: UserRow | undefined): User | undefined {
  if (!row) return undefined
  const { created_at, updated_at, group_admin, ...rest } = row
  return { ...rest, groupAdmin: group_admin, createdAt: created_at, updatedAt: updated_at }
}
