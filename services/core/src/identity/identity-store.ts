import { type Queries, statement } from '@berth/db'
import { GROUP_KIND, type GroupKey, type IdentityKey, type KeptPerson, type Provider } from './identity.ts'

/** The user behind an identity. */
export interface KnownPerson {
  id: number
  username: string
  email: string | null
  realname: string
  sysadmin: boolean
  groupAdmin: boolean
}

const KNOWN = `SELECT u.id, u.username, u.email, u.realname, u.sysadmin, u.group_admin AS "groupAdmin"
    FROM identities i JOIN users u ON u.id = i.user_id
   WHERE i.provider = $1 AND i.issuer = $2 AND i.subject = $3 AND u.deleted_at IS NULL`

const find = statement<KnownPerson>('identity-find', KNOWN)
const findLocked = statement<KnownPerson>('identity-find-locked', `${KNOWN} FOR UPDATE OF u`)
const lockKey = statement('identity-lock', 'SELECT pg_advisory_xact_lock(hashtextextended($1, 0))')
// A mail address others have stays theirs.
const insertUser = statement<{ id: number }>(
  'identity-insert-user',
  `INSERT INTO users (username, email, realname, comment, group_admin)
     VALUES ($1, (SELECT $2::text WHERE NOT EXISTS (SELECT FROM users WHERE email = $2)), $3, $4, $5)
   ON CONFLICT (username) DO NOTHING RETURNING id`,
)
const updateUser = statement(
  'identity-update-user',
  `UPDATE users SET
     email = CASE WHEN EXISTS (SELECT FROM users o WHERE o.email = $2 AND o.id <> $1) THEN email
       ELSE coalesce($2, email) END,
     realname = coalesce(nullif($3, ''), realname), group_admin = $4, updated_at = now() WHERE id = $1`,
)
const put = statement(
  'identity-put',
  `INSERT INTO identities (provider, issuer, subject, user_id) VALUES ($1, $2, $3, $4)
   ON CONFLICT ON CONSTRAINT identities_pkey DO UPDATE SET user_id = excluded.user_id, signed_in_at = now()`,
)
const groupsByDn = statement<{ id: number; key: string }>(
  'identity-groups-by-dn',
  'SELECT id, ldap_dn AS key FROM groups WHERE kind = $1 AND ldap_dn = ANY($2)',
)
const groupsByName = statement<{ id: number; key: string }>(
  'identity-groups-by-name',
  'SELECT id, name AS key FROM groups WHERE kind = $1 AND name = ANY($2)',
)
const insertGroups = statement<{ name: string }>(
  'identity-insert-groups',
  `INSERT INTO groups (kind, name, ldap_dn) SELECT $1, g.name, g.dn FROM unnest($2::text[], $3::text[]) AS g (name, dn)
   ON CONFLICT DO NOTHING RETURNING name`,
)
const groupsOf = statement<{ group_id: number }>(
  'identity-groups-of',
  `SELECT p.group_id FROM group_people p JOIN groups g ON g.id = p.group_id WHERE p.user_id = $1 AND g.kind = $2`,
)
const leave = statement('identity-leave-groups', 'DELETE FROM group_people WHERE user_id = $1 AND group_id = ANY($2)')
const join = statement(
  'identity-join-groups',
  `INSERT INTO group_people (user_id, group_id) SELECT $1, id FROM groups WHERE id = ANY($2) ORDER BY id FOR KEY SHARE
   ON CONFLICT DO NOTHING`,
)
const projectsOf = statement<{ project_id: number }>(
  'identity-projects-of-groups',
  'SELECT DISTINCT project_id FROM members WHERE group_id = ANY($1)',
)

const COMMENT: Record<Provider, string> = { ldap: 'from the directory', oidc: 'from the OIDC provider' }

/** Who users are outside, and the groups they bring along. */
export const identityStore = {
  find: (db: Queries, { provider, issuer, subject }: IdentityKey) => db.find(find, [provider, issuer, subject]),

  /** Holds off everybody else with this identity until the transaction ends, then reads its user, locked as well. */
  async findLocked(tx: Queries, { provider, issuer, subject }: IdentityKey): Promise<KnownPerson | undefined> {
    await tx.run(lockKey, [[provider, issuer, subject].join('\n')])
    return tx.find(findLocked, [provider, issuer, subject])
  },

  /** `undefined`: somebody has the name. */
  async insertUser(tx: Queries, username: string, person: KeptPerson): Promise<number | undefined> {
    const { email, realname, provider, groupAdmin } = person
    const row = await tx.find(insertUser, [username, email, realname || username, COMMENT[provider], groupAdmin])
    return row?.id
  },
  updateUser: (tx: Queries, id: number, { email, realname, groupAdmin }: KeptPerson) =>
    tx.run(updateUser, [id, email, realname, groupAdmin]),
  put: (tx: Queries, { provider, issuer, subject }: IdentityKey, userId: number) =>
    tx.run(put, [provider, issuer, subject, userId]),

  /** The ids of these groups, and the names of those that had to be made. */
  async ensureGroups(
    tx: Queries,
    provider: Provider,
    groups: readonly GroupKey[],
  ): Promise<{ ids: number[]; made: string[] }> {
    if (groups.length === 0) return { ids: [], made: [] }
    const kind = GROUP_KIND[provider]
    const keys = groups.map(keyOf)
    const read = () => tx.run(provider === 'ldap' ? groupsByDn : groupsByName, [kind, keys])
    const known = await read()
    const missing = groups.filter((group) => !known.some(({ key }) => key === keyOf(group)))
    if (missing.length === 0) return { ids: known.map(({ id }) => id), made: [] }
    const names = missing.map(({ name }) => name)
    const made = await tx.run(insertGroups, [kind, names, missing.map(({ dn }) => dn ?? null)])
    return { ids: (await read()).map(({ id }) => id), made: made.map(({ name }) => name) }
  },
  groupsOf: async (tx: Queries, userId: number, provider: Provider) =>
    (await tx.run(groupsOf, [userId, GROUP_KIND[provider]])).map(({ group_id }) => group_id),
  leave: (tx: Queries, userId: number, groupIds: readonly number[]) => tx.run(leave, [userId, groupIds]),
  join: (tx: Queries, userId: number, groupIds: readonly number[]) => tx.run(join, [userId, groupIds]),
  /** Projects these groups are members of. */
  projectsOf: async (tx: Queries, groupIds: readonly number[]) =>
    (await tx.run(projectsOf, [groupIds])).map(({ project_id }) => project_id),
}

function keyOf({ name, dn }: GroupKey): string {
  return dn ?? name
}
