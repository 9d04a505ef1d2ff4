import { containsPattern, listRows, type Page, type Queries, statement } from '@berth/db'
import type { Group, GroupKind } from './group.ts'

const FIELDS = 'id, kind, name, ldap_dn AS "ldapDn"'

const byId = statement<Group>('group-by-id', `SELECT ${FIELDS} FROM groups WHERE id = $1::bigint`)
const byDn = statement<Group>('group-by-dn', `SELECT ${FIELDS} FROM groups WHERE ldap_dn = $1`)
const byName = statement<Group>(
  'group-by-name',
  `SELECT ${FIELDS} FROM groups WHERE name = $1 AND kind = coalesce($2::smallint, kind) ORDER BY id LIMIT 1`,
)
const insert = statement<{ id: number }>(
  'group-insert',
  'INSERT INTO groups (kind, name, ldap_dn) VALUES ($1, $2, $3) RETURNING id',
)
const rename = statement('group-rename', 'UPDATE groups SET name = $2, updated_at = now() WHERE id = $1')
const remove = statement<{ name: string }>('group-remove', 'DELETE FROM groups WHERE id = $1::bigint RETURNING name')
const lock = statement('group-lock', 'SELECT FROM groups WHERE id = $1::bigint FOR UPDATE')
const projectsOf = statement<{ project_id: number }>(
  'group-projects',
  'SELECT project_id FROM members WHERE group_id = $1::bigint',
)
const leaveAll = statement('group-leave-all', 'DELETE FROM group_people WHERE user_id = $1')

export const groupStore = {
  find: (db: Queries, id: number) => db.find(byId, [id]),
  findByDn: (db: Queries, dn: string) => db.find(byDn, [dn]),
  /** Of this kind, or of any. */
  findByName: (db: Queries, name: string, kind?: GroupKind) => db.find(byName, [name, kind ?? null]),
  async insert(tx: Queries, { kind, name, ldapDn }: Omit<Group, 'id'>): Promise<number> {
    const row = await tx.find(insert, [kind, name, ldapDn])
    return row?.id as number
  },
  rename: (tx: Queries, id: number, name: string) => tx.run(rename, [id, name]),
  /** Until the transaction ends nobody changes the group or makes it a member. */
  lock: (tx: Queries, id: number) => tx.run(lock, [id]),
  /** Projects the group is a member of. */
  projectsOf: async (tx: Queries, id: number) => (await tx.run(projectsOf, [id])).map(({ project_id }) => project_id),
  /** With its places in projects. `undefined`: there was none. */
  remove: async (tx: Queries, id: number) => (await tx.find(remove, [id]))?.name,
  /** Takes a user out of every group. */
  leaveAll: (tx: Queries, userId: number) => tx.run(leaveAll, [userId]),

  /** Groups whose name has this text, by name; with a distinguished name the one that has it. */
  async list(
    db: Queries,
    { name, dn }: { name?: string; dn?: string },
    page: Page,
  ): Promise<{ groups: Group[]; total: number }> {
    const values = [containsPattern(name ?? ''), dn ?? null]
    const where = 'name ILIKE $1 AND ($2::text IS NULL OR ldap_dn = $2)'
    const sql = { select: `SELECT ${FIELDS} FROM groups`, from: 'FROM groups', where, order: 'name, id' }
    const { rows, total } = await listRows<Group>(db, sql, values, page)
    return { groups: rows, total }
  },
}
