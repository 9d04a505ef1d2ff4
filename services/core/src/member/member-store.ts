import { containsPattern, listRows, type Page, type Queries, statement } from '@berth/db'
import type { RoleId } from '../access/index.ts'

/** Who is a member: a user or a group. */
export interface Entity {
  kind: 'user' | 'group'
  id: number
  name: string
}

export interface Member {
  id: number
  projectId: number
  entity: Entity
  roleId: RoleId
}

interface MemberRow {
  id: number
  project_id: number
  entity_kind: 'user' | 'group'
  entity_id: number
  entity_name: string
  role_id: RoleId
}

const FROM = 'FROM members m LEFT JOIN users u ON u.id = m.user_id LEFT JOIN groups g ON g.id = m.group_id'
const SELECT = `SELECT m.id, m.project_id, CASE WHEN m.group_id IS NULL THEN 'user' ELSE 'group' END AS entity_kind,
    coalesce(m.user_id, m.group_id) AS entity_id, coalesce(u.username, g.name) AS entity_name, m.role_id ${FROM}`

const find = statement<MemberRow>('member-find', `${SELECT} WHERE m.project_id = $1 AND m.id = $2::bigint`)
const findLocked = statement<MemberRow>(
  'member-find-locked',
  `${SELECT} WHERE m.project_id = $1 AND m.id = $2::bigint FOR UPDATE OF m`,
)
const holdUser = statement<object>(
  'member-hold-user',
  'SELECT 1 FROM users WHERE id = $1 AND deleted_at IS NULL FOR KEY SHARE',
)
const holdGroup = statement<object>('member-hold-group', 'SELECT 1 FROM groups WHERE id = $1 FOR KEY SHARE')
const insert = statement<{ id: number }>(
  'member-insert',
  'INSERT INTO members (project_id, user_id, group_id, role_id) VALUES ($1, $2, $3, $4) RETURNING id',
)
const update = statement('member-update', 'UPDATE members SET role_id = $2, updated_at = now() WHERE id = $1')
const remove = statement('member-remove', 'DELETE FROM members WHERE id = $1')
const removeOfUser = statement('member-remove-of-user', 'DELETE FROM members WHERE user_id = $1')

/** Members are always looked up inside their project: the id of another project's member finds nothing. */
export const memberStore = {
  find: async (db: Queries, projectId: number, id: number) => toMember(await db.find(find, [projectId, id])),
  /** Locks the row until the transaction ends. */
  lock: async (tx: Queries, projectId: number, id: number) => toMember(await tx.find(findLocked, [projectId, id])),
  /** Keeps who is to become a member from being deleted meanwhile. False: they have been. */
  hold: async (tx: Queries, { kind, id }: Entity) =>
    (await tx.run(kind === 'user' ? holdUser : holdGroup, [id])).length > 0,
  async insert(tx: Queries, member: { projectId: number; entity: Entity; roleId: RoleId }): Promise<number> {
    const { projectId, entity, roleId } = member
    const [userId, groupId] = entity.kind === 'user' ? [entity.id, null] : [null, entity.id]
    const row = await tx.find(insert, [projectId, userId, groupId, roleId])
    return (row as { id: number }).id
  },
  update: (tx: Queries, { id }: Member, roleId: RoleId) => tx.run(update, [id, roleId]),
  remove: (tx: Queries, { id }: Member) => tx.run(remove, [id]),
  removeOfUser: (tx: Queries, userId: number) => tx.run(removeOfUser, [userId]),

  async list(
    db: Queries,
    projectId: number,
    name: string | undefined,
    page: Page,
  ): Promise<{ members: Member[]; total: number }> {
    const values = [projectId, containsPattern(name ?? '')]
    const where = 'm.project_id = $1 AND coalesce(u.username, g.name) ILIKE $2'
    const sql = { select: SELECT, from: FROM, where, order: 'm.id' }
    const { rows, total } = await listRows<MemberRow>(db, sql, values, page)
    return { members: rows.map((row) => toMember(row) as Member), total }
  },
}

function toMember(row: MemberRow | undefined): Member | undefined {
  if (!row) return undefined
  const { id, project_id: projectId, entity_kind: kind, entity_id, entity_name: name, role_id: roleId } = row
  return { id, projectId, entity: { kind, id: entity_id, name }, roleId }
}
