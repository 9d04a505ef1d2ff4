import { adHoc, type Page, type Queries, statement } from '@berth/db'
import type { AccessToken, TokenAccess, TokenPermission } from './access-token.ts'

interface TokenRow {
  id: number
  user_id: number
  name: string
  description: string
  created_at: Date
  expires_at: Date
  last_used_at: Date | null
  permissions:
    | { scope: string; projectId: number | null; projectName: string | null; access: [string, string][] }[]
    | null
}

/** A token somebody came with, and whose it is. */
export interface UsedToken {
  token: AccessToken
  username: string
  /** Whether the person is an administrator. */
  isAdmin: boolean
}

const FIELDS = `t.id, t.user_id, t.name, t.description, t.created_at, t.expires_at, t.last_used_at,
    (SELECT jsonb_agg(jsonb_build_object('scope', g.scope, 'projectId', g.project_id, 'projectName', p.name,
       'access', g.access) ORDER BY g.id)
       FROM access_token_permissions g LEFT JOIN projects p ON p.id = g.project_id WHERE g.token_id = t.id) AS permissions`

const byId = statement<TokenRow>('access-token-by-id', `SELECT ${FIELDS} FROM access_tokens t WHERE t.id = $1::bigint`)
const lock = statement<TokenRow>(
  'access-token-lock',
  `SELECT ${FIELDS} FROM access_tokens t WHERE t.id = $1::bigint FOR UPDATE OF t`,
)
const byHash = statement<TokenRow & { username: string; is_admin: boolean }>(
  'access-token-by-hash',
  `SELECT ${FIELDS}, u.username, u.sysadmin OR u.group_admin AS is_admin
     FROM access_tokens t JOIN users u ON u.id = t.user_id
    WHERE t.secret_hash = $1 AND t.expires_at > now() AND u.deleted_at IS NULL`,
)
const used = statement('access-token-used', 'UPDATE access_tokens SET last_used_at = now() WHERE id = $1')
const count = statement<{ tokens: number }>(
  'access-token-count',
  'SELECT count(*) AS tokens FROM access_tokens WHERE user_id = $1',
)
const insert = statement<{ id: number }>(
  'access-token-insert',
  `INSERT INTO access_tokens (user_id, name, description, secret_hash, expires_at)
   VALUES ($1, $2, $3, $4, now() + make_interval(days => $5)) RETURNING id`,
)
const insertPermission = statement(
  'access-token-permission-insert',
  'INSERT INTO access_token_permissions (token_id, scope, project_id, access) VALUES ($1, $2, $3, $4)',
)
const remove = statement('access-token-remove', 'DELETE FROM access_tokens WHERE id = $1')
const removeOfUser = statement('access-token-remove-of-user', 'DELETE FROM access_tokens WHERE user_id = $1')

export const accessTokenStore = {
  find: async (db: Queries, id: number) => toToken(await db.find(byId, [id])),
  /** Locks the row until the transaction ends. */
  lock: async (tx: Queries, id: number) => toToken(await tx.find(lock, [id])),
  /** One that still lives, of a person who does. */
  async findByHash(db: Queries, hash: Buffer): Promise<UsedToken | undefined> {
    const row = await db.find(byHash, [hash])
    const token = toToken(row)
    return row && token && { token, username: row.username, isAdmin: row.is_admin }
  },
  noteUse: (db: Queries, id: number) => db.run(used, [id]),
  countOf: async (tx: Queries, userId: number) => (await tx.find(count, [userId]))?.tokens ?? 0,

  async insert(
    tx: Queries,
    token: Pick<AccessToken, 'userId' | 'name' | 'description' | 'permissions'> & {
      secretHash: Buffer
      lifeDays: number
    },
  ): Promise<number> {
    const { userId, name, description, secretHash, lifeDays, permissions } = token
    const { id } = (await tx.find(insert, [userId, name, description, secretHash, lifeDays])) as { id: number }
    for (const { scope, access } of permissions) {
      const pairs = JSON.stringify(access.map(({ resource, action }) => [resource, action]))
      const isProject = typeof scope === 'number'
      await tx.run(insertPermission, [id, isProject ? 'project' : scope, isProject ? scope : null, pairs])
    }
    return id
  },
  remove: (tx: Queries, id: number) => tx.run(remove, [id]),
  removeOfUser: (tx: Queries, userId: number) => tx.run(removeOfUser, [userId]),

  /** Those of one person, the newest first. */
  async list(db: Queries, userId: number, page: Page): Promise<{ tokens: AccessToken[]; total: number }> {
    const total = await accessTokenStore.countOf(db, userId)
    const rows = await db.run(
      adHoc<TokenRow>(
        `SELECT ${FIELDS} FROM access_tokens t WHERE t.user_id = $1 ORDER BY t.id DESC
         LIMIT ${page.limit} OFFSET ${page.offset}`,
      ),
      [userId],
    )
    return { tokens: rows.map((row) => toToken(row) as AccessToken), total }
  },
}

function toToken(row: TokenRow | undefined): AccessToken | undefined {
  if (!row) return undefined
  return {
    id: row.id,
    userId: row.user_id,
    name: row.name,
    description: row.description,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
    permissions: (row.permissions ?? []).map(
      ({ scope, projectId, projectName, access }): TokenPermission => ({
        scope: scope === 'project' ? Number(projectId) : scope === 'system' ? 'system' : 'every project',
        ...(projectName === null ? {} : { projectName }),
        access: access.map(([resource, action]): TokenAccess => ({ resource, action })),
      }),
    ),
  }
}
