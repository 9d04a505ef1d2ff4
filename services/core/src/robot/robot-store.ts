import {
  adHoc,
  filterSql,
  type ListColumns,
  type Page,
  type Queries,
  type SortKey,
  sortSql,
  statement,
  type Term,
} from '@berth/db'
import type { Robot, RobotAccess, RobotPermission } from './robot.ts'

interface RobotRow {
  id: number
  name: string
  project_id: number | null
  project_name: string | null
  description: string
  secret_hash: Buffer
  duration_days: number
  disabled: boolean
  creator_kind: 'user' | 'robot'
  creator_id: number
  created_at: Date
  updated_at: Date
  permissions:
    | { scope: string; projectId: number | null; projectName: string | null; access: [string, string][] }[]
    | null
}

const FROM = 'FROM robots r LEFT JOIN projects p ON p.id = r.project_id'
const SELECT = `SELECT r.id, r.name, r.project_id, p.name AS project_name, r.description, r.secret_hash, r.duration_days,
    r.disabled, r.creator_kind, r.creator_id, r.created_at, r.updated_at,
    (SELECT jsonb_agg(jsonb_build_object('scope', g.scope, 'projectId', g.project_id, 'projectName', gp.name,
       'access', g.access) ORDER BY g.id)
       FROM robot_permissions g LEFT JOIN projects gp ON gp.id = g.project_id WHERE g.robot_id = r.id) AS permissions
  ${FROM}`

/** What `q` and `sort` may look at. */
const ROBOT_COLUMNS: ListColumns = {
  id: { sql: 'r.id', type: 'integer' },
  name: { sql: 'r.name', type: 'text' },
  description: { sql: 'r.description', type: 'text' },
  disable: { sql: 'r.disabled', type: 'boolean' },
  creation_time: { sql: 'r.created_at', type: 'time' },
  update_time: { sql: 'r.updated_at', type: 'time' },
}

const byId = statement<RobotRow>('robot-by-id', `${SELECT} WHERE r.id = $1::bigint`)
const byName = statement<RobotRow>(
  'robot-by-name',
  `${SELECT} WHERE r.name = $1 AND p.name IS NOT DISTINCT FROM $2::text`,
)
const insert = statement<{ id: number }>(
  'robot-insert',
  `INSERT INTO robots (name, project_id, description, secret_hash, duration_days, creator_kind, creator_id)
   VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id`,
)
const insertPermission = statement(
  'robot-permission-insert',
  'INSERT INTO robot_permissions (robot_id, scope, project_id, access) VALUES ($1, $2, $3, $4)',
)
const remove = statement<{ id: number }>('robot-remove', 'DELETE FROM robots WHERE id = $1 RETURNING id')

export interface NewRobot {
  name: string
  projectId?: number
  description: string
  secretHash: Buffer
  durationDays: number
  creator: Robot['creator']
  permissions: readonly RobotPermission[]
}

export const robotStore = {
  find: async (db: Queries, id: number): Promise<Robot | undefined> => {
    const row = await db.find(byId, [id])
    return row && toRobot(row)
  },
  /** With the hash of its secret; `project` absent: of level system. */
  async findByName(
    db: Queries,
    { name, project }: { name: string; project?: string },
  ): Promise<{ robot: Robot; secretHash: Buffer } | undefined> {
    const row = await db.find(byName, [name, project ?? null])
    return row && { robot: toRobot(row), secretHash: row.secret_hash }
  },
  async insert(tx: Queries, robot: NewRobot): Promise<number> {
    const { name, projectId, description, secretHash, durationDays, creator, permissions } = robot
    const values = [name, projectId ?? null, description, secretHash, durationDays, creator.kind, creator.id]
    const { id } = (await tx.find(insert, values)) as { id: number }
    for (const { scope, access } of permissions) {
      const pairs = JSON.stringify(access.map(({ resource, action }) => [resource, action]))
      const isProject = typeof scope === 'number'
      await tx.run(insertPermission, [id, isProject ? 'project' : scope, isProject ? scope : null, pairs])
    }
    return id
  },
  remove: async (tx: Queries, id: number) => (await tx.run(remove, [id])).length > 0,

  /** Robots of a project, or those of level system. */
  async list(
    db: Queries,
    projectId: number | undefined,
    query: { terms: readonly Term[]; sort: readonly SortKey[] },
    page: Page,
  ): Promise<{ robots: Robot[]; total: number }> {
    const values: unknown[] = [projectId ?? null]
    const filter = filterSql(query.terms, ROBOT_COLUMNS, values)
    const where = `r.project_id IS NOT DISTINCT FROM $1::integer AND ${filter}`
    const counted = await db.find(adHoc<{ total: number }>(`SELECT count(*) AS total ${FROM} WHERE ${where}`), values)
    const order = sortSql(query.sort, ROBOT_COLUMNS, 'r.created_at DESC, r.id DESC')
    const rows = await db.run(
      adHoc<RobotRow>(`${SELECT} WHERE ${where} ORDER BY ${order} LIMIT ${page.limit} OFFSET ${page.offset}`),
      values,
    )
    return { robots: rows.map(toRobot), total: counted?.total ?? 0 }
  },
}

function toRobot(row: RobotRow): Robot {
  return {
    id: row.id,
    name: row.name,
    ...(row.project_id === null ? {} : { project: { id: row.project_id, name: row.project_name ?? '' } }),
    description: row.description,
    durationDays: row.duration_days,
    disabled: row.disabled,
    creator: { kind: row.creator_kind, id: row.creator_id },
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    permissions: (row.permissions ?? []).map(({ scope, projectId, projectName, access }) => ({
      scope: scope === 'project' ? Number(projectId) : scope === 'system' ? 'system' : 'every project',
      ...(projectName === null ? {} : { projectName }),
      access: access.map(([resource, action]): RobotAccess => ({ resource, action })),
    })),
  }
}
