import { adHoc, containsPattern, type Page, type Queries, statement } from '@berth/db'
import type { RoleId } from '../access/index.ts'

export interface Member {
  id: number
  projectId: number
  userId: number
  username: string
  roleId: RoleId
}

const SELECT = `SELECT m.id, m.project_id AS "projectId", m.user_id AS "userId", u.username, m.role_id AS "roleId"
  FROM members m JOIN users u ON u.id = m.user_id`

const find = statement<Member>('member-find', `${SELECT} WHERE m.project_id = $1 AND m.id = $2::bigint`)
const insert = statement<{ id: number }>(
  'member-insert',
  'INSERT INTO members (project_id, user_id, role_id) VALUES ($1, $2, $3) RETURNING id',
)
const update = statement<{ id: number }>(
  'member-update',
  'UPDATE members SET role_id = $3, updated_at = now() WHERE project_id = $1 AND id = $2::bigint RETURNING id',
)
const remove = statement<{ id: number }>(
  'member-remove',
  'DELETE FROM members WHERE project_id = $1 AND id = $2::bigint RETURNING id',
)
const removeOfUser = statement<{ project_id: number }>(
  'member-remove-of-user',
  'DELETE FROM members WHERE user_id = $1 RETURNING project_id',
)

/** Members are always looked up inside their project: the id of another project's member finds nothing. */
export const memberStore = {
  find: (db: Queries, projectId: number, id: number) => db.find(find, [projectId, id]),
  async insert(tx: Queries, member: { projectId: number; userId: number; roleId: RoleId }): Promise<number> {
    const row = await tx.find(insert, [member.projectId, member.userId, member.roleId])
    return (row as { id: number }).id
  },
  update: async (tx: Queries, projectId: number, id: number, roleId: RoleId) =>
    (await tx.run(update, [projectId, id, roleId])).length > 0,
  remove: async (tx: Queries, projectId: number, id: number) => (await tx.run(remove, [projectId, id])).length > 0,
  /** The projects the user was a member of. */
  removeOfUser: async (tx: Queries, userId: number) =>
    (await tx.run(removeOfUser, [userId])).map(({ project_id }) => project_id),

  async list(
    db: Queries,
    projectId: number,
    name: string | undefined,
    page: Page,
  ): Promise<{ members: Member[]; total: number }> {
    const values = [projectId, containsPattern(name ?? '')]
    const where = 'm.project_id = $1 AND u.username ILIKE $2'
    const counted = await db.find(
      adHoc<{ total: number }>(
        `SELECT count(*) AS total FROM members m JOIN users u ON u.id = m.user_id WHERE ${where}`,
      ),
      values,
    )
    const members = await db.run(
      adHoc<Member>(`${SELECT} WHERE ${where} ORDER BY m.id LIMIT ${page.limit} OFFSET ${page.offset}`),
      values,
    )
    return { members, total: counted?.total ?? 0 }
  },
}
