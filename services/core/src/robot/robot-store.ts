import {
  filterSql,
  type ListColumns,
  listRows,
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
  previous_secret_hash: Buffer | null
  revision: number
  created_at: Date
  updated_at: Date
  permissions:
    | { scope: string; projectId: number | null; projectName: string | null; access: [string, string][] }[]
    | null
}

const FROM = 'FROM robots r LEFT JOIN projects p ON p.id = r.project_id'
const SELECT = `SELECT r.id, r.name, r.project_id, p.name AS project_name, r.description, r.secret_hash, r.duration_days,
    r.disabled, r.creator_kind, r.creator_id, r.revision, r.created_at, r.updated_at,
    CASE WHEN r.previous_secret_until > now() THEN r.previous_secret_hash END AS previous_secret_hash,
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
// Many projects have a robot of the same name: the project leads to the one, by two unique indexes.
const ofProject = statement<RobotRow>(
  'robot-of-project',
  `${SELECT} WHERE r.name = $1 AND r.project_id = (SELECT id FROM projects WHERE name = $2)`,
)
const ofSystem = statement<RobotRow>('robot-of-system', `${SELECT} WHERE r.name = $1 AND r.project_id IS NULL`)
const insert = statement<{ id: number }>(
  'robot-insert',
  `INSERT INTO robots (name, project_id, description, secret_hash, duration_days, creator_kind, creator_id)
   VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id`,
)
const insertPermission = statement(
  'robot-permission-insert',
  'INSERT INTO robot_permissions (robot_id, scope, project_id, access) VALUES ($1, $2, $3, $4)',
)
const lock = statement<{ id: number }>('robot-lock', 'SELECT id FROM robots WHERE id = $1 FOR UPDATE')
const update = statement(
  'robot-update',
  `UPDATE robots SET description = $2, duration_days = $3, disabled = $4, revision = revision + 1, updated_at = now(),
     warned_at = CASE WHEN duration_days = $3 THEN warned_at END WHERE id = $1`,
)
const removePermissions = statement('robot-permissions-remove', 'DELETE FROM robot_permissions WHERE robot_id = $1')
const setSecret = statement(
  'robot-set-secret',
  `UPDATE robots SET secret_hash = $2, revision = revision + 1, updated_at = now(),
     previous_secret_hash = CASE WHEN $3::integer > 0 THEN secret_hash END,
     previous_secret_until = CASE WHEN $3::integer > 0 THEN now() + make_interval(secs => $3) END
   WHERE id = $1`,
)
const END = "created_at + duration_days * interval '1 day'"
// A robot that lives for less than two weeks is warned of once half its time is gone. The longest durations lie beyond
// what Postgres can add to a date.
const warn = statement<{ id: number }>(
  'robot-warn',
  `UPDATE robots SET warned_at = now(), revision = revision + 1 WHERE id IN (
     SELECT id FROM robots
     WHERE duration_days BETWEEN 1 AND 100000 AND warned_at IS NULL AND NOT disabled
       AND ${END} > now() AND ${END} <= now() + least(7.0, duration_days / 2.0) * interval '1 day'
     ORDER BY id LIMIT 100 FOR UPDATE SKIP LOCKED) RETURNING id`,
)
const byIds = statement<RobotRow>('robot-by-ids', `${SELECT} WHERE r.id = ANY($1) ORDER BY r.id`)
const remove = statement('robot-remove', 'DELETE FROM robots WHERE id = $1')

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
  /** With the hashes of what it may sign in with; `project` absent: of level system. */
  async findByName(
    db: Queries,
    { name, project }: { name: string; project?: string },
  ): Promise<{ robot: Robot; secretHash: Buffer; previousSecretHash?: Buffer } | undefined> {
    const row = project === undefined ? await db.find(ofSystem, [name]) : await db.find(ofProject, [name, project])
    if (!row) return undefined
    return {
      robot: toRobot(row),
      secretHash: row.secret_hash,
      previousSecretHash: row.previous_secret_hash ?? undefined,
    }
  },
  async insert(tx: Queries, robot: NewRobot): Promise<number> {
    const { name, projectId, description, secretHash, durationDays, creator, permissions } = robot
    const values = [name, projectId ?? null, description, secretHash, durationDays, creator.kind, creator.id]
    const { id } = (await tx.find(insert, values)) as { id: number }
    await insertPermissions(tx, id, permissions)
    return id
  },
  /** Locks the row until the transaction ends; false: gone. */
  lock: async (tx: Queries, id: number) => (await tx.run(lock, [id])).length > 0,
  async update(
    tx: Queries,
    id: number,
    robot: Pick<Robot, 'description' | 'durationDays' | 'disabled'> & { permissions: readonly RobotPermission[] },
  ): Promise<void> {
    await tx.run(update, [id, robot.description, robot.durationDays, robot.disabled])
    await tx.run(removePermissions, [id])
    await insertPermissions(tx, id, robot.permissions)
  },
  /** The secret before holds for so many seconds more. */
  setSecret: (tx: Queries, id: number, hash: Buffer, overlapSeconds: number) =>
    tx.run(setSecret, [id, hash, overlapSeconds]),
  /** Marks robots that end soon as warned of, at most a hundred, and answers them. */
  async warn(tx: Queries): Promise<Robot[]> {
    const ids = (await tx.run(warn)).map(({ id }) => id)
    return ids.length === 0 ? [] : (await tx.run(byIds, [ids])).map(toRobot)
  },
  remove: (tx: Queries, id: number) => tx.run(remove, [id]),

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
    const order = sortSql(query.sort, ROBOT_COLUMNS, 'r.created_at DESC, r.id DESC')
    const { rows, total } = await listRows<RobotRow>(db, { select: SELECT, from: FROM, where, order }, values, page)
    return { robots: rows.map(toRobot), total }
  },
}

async function insertPermissions(tx: Queries, id: number, permissions: readonly RobotPermission[]): Promise<void> {
  for (const { scope, access } of permissions) {
    const pairs = JSON.stringify(access.map(({ resource, action }) => [resource, action]))
    const isProject = typeof scope === 'number'
    await tx.run(insertPermission, [id, isProject ? 'project' : scope, isProject ? scope : null, pairs])
  }
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
    revision: row.revision,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    permissions: (row.permissions ?? []).map(({ scope, projectId, projectName, access }) => ({
      scope: scope === 'project' ? Number(projectId) : scope === 'system' ? 'system' : 'every project',
      ...(projectName === null ? {} : { projectName }),
      access: access.map(([resource, action]): RobotAccess => ({ resource, action })),
    })),
  }
}
