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
import type { RoleId } from '../access/index.ts'
import type { Project, ProjectRef } from './project.ts'

interface ProjectRow {
  id: number
  name: string
  owner_id: number
  owner_name: string
  public: boolean
  state: 'open' | 'deleting'
  storage_limit_bytes: number
  access_revision: number
  revision: number
  created_at: Date
  updated_at: Date
  deleting_by: string | null
  metadata: Record<string, string> | null
}

interface EnteredRow extends ProjectRow {
  role_ids: RoleId[]
}

/** What a project is. */
const FACTS = `p.id, p.name, p.owner_id, u.username AS owner_name, p.public, p.state, p.storage_limit_bytes,
    p.access_revision, p.revision, p.created_at, p.updated_at, p.deleting_by,
    (SELECT jsonb_object_agg(m.key, m.value) FROM project_metadata m WHERE m.project_id = p.id) AS metadata`
const FROM = 'FROM projects p JOIN users u ON u.id = p.owner_id'
const SELECT = `SELECT ${FACTS} ${FROM}`
/** And who somebody is in it; `$2` is their id. */
const SELECT_WITH_ROLES = `SELECT ${FACTS}, ARRAY(
    SELECT DISTINCT r.role_id FROM user_roles r WHERE r.user_id = $2::bigint AND r.project_id = p.id
  ) AS role_ids ${FROM}`

/** What `q` and `sort` may look at. */
const PROJECT_COLUMNS: ListColumns = {
  project_id: { sql: 'p.id', type: 'integer' },
  name: { sql: 'p.name', type: 'text' },
  public: { sql: 'p.public', type: 'boolean' },
  owner_id: { sql: 'p.owner_id', type: 'integer' },
  owner_name: { sql: 'u.username', type: 'text' },
  creation_time: { sql: 'p.created_at', type: 'time' },
  update_time: { sql: 'p.updated_at', type: 'time' },
}

const byId = statement<ProjectRow>('project-by-id', `${SELECT} WHERE p.id = $1::bigint`)
const byName = statement<ProjectRow>('project-by-name', `${SELECT} WHERE p.name = $1`)
const entered = {
  byId: statement<EnteredRow>('project-entered-by-id', `${SELECT_WITH_ROLES} WHERE p.id = $1::bigint`),
  byName: statement<EnteredRow>('project-entered-by-name', `${SELECT_WITH_ROLES} WHERE p.name = $1`),
}
const byNames = statement<ProjectRow>('project-by-names', `${SELECT} WHERE p.name = ANY($1)`)
const byIds = statement<ProjectRow>('project-by-ids', `${SELECT} WHERE p.id = ANY($1) ORDER BY p.id`)
const stuck = statement<ProjectRow>(
  'project-stuck',
  `${SELECT} WHERE p.deleting_since < now() - interval '1 minute' ORDER BY p.id LIMIT 100`,
)
const holdOpen = statement<{ id: number }>(
  'project-hold-open',
  `SELECT id FROM projects WHERE id = ANY($1::bigint[]) AND state = 'open' ORDER BY id FOR KEY SHARE`,
)
const insert = statement<{ id: number }>(
  'project-insert',
  'INSERT INTO projects (name, owner_id, public, storage_limit_bytes) VALUES ($1, $2, $3, $4) RETURNING id',
)
const insertOwner = statement(
  'project-insert-owner',
  'INSERT INTO members (project_id, user_id, role_id) VALUES ($1, $2, 1)',
)
const setMetadata = statement(
  'project-set-metadata',
  `INSERT INTO project_metadata (project_id, key, value)
     SELECT $1, * FROM unnest($2::text[], $3::text[])
   ON CONFLICT (project_id, key) DO UPDATE SET value = excluded.value`,
)
const update = statement<{ id: number }>(
  'project-update',
  `UPDATE projects SET public = coalesce($2, public), updated_at = now(), revision = revision + 1,
     access_revision = access_revision + CASE WHEN public <> coalesce($2, public) THEN 1 ELSE 0 END
   WHERE id = $1 AND state = 'open' RETURNING id`,
)
const markDeleting = statement<{ id: number }>(
  'project-mark-deleting',
  `UPDATE projects SET state = 'deleting', deleting_since = now(), deleting_by = $2, revision = revision + 1,
     access_revision = access_revision + 1 WHERE id = $1 RETURNING id`,
)
const reopen = statement<{ id: number }>(
  'project-reopen',
  `UPDATE projects SET state = 'open', deleting_since = NULL, deleting_by = NULL, revision = revision + 1,
     access_revision = access_revision + 1
   WHERE id = $1 AND state = 'deleting' AND revision = $2 RETURNING id`,
)
const remove = statement<{ id: number }>(
  'project-remove',
  `DELETE FROM projects WHERE id = $1 AND state = 'deleting' AND revision = $2 RETURNING id`,
)
// Rows are locked by id, so that two who raise several projects never wait for each other in a circle; and without their
// keys, which whoever made a member or a robot before raising holds. What is being deleted has been raised for that
// already, and is again should it stay.
const RAISE = `UPDATE projects SET access_revision = access_revision + 1, revision = revision + 1 WHERE id IN`
const raise = statement<{ id: number }>(
  'project-raise-access',
  `${RAISE} (SELECT id FROM projects WHERE id = ANY($1) AND state = 'open' ORDER BY id FOR NO KEY UPDATE) RETURNING id`,
)
const raiseAll = statement<{ id: number }>(
  'project-raise-access-everywhere',
  `${RAISE} (SELECT id FROM projects WHERE state = 'open' ORDER BY id FOR NO KEY UPDATE) RETURNING id`,
)
const memberCounts = statement<{ role_id: RoleId; members: number }>(
  'project-member-counts',
  'SELECT role_id, count(*) AS members FROM members WHERE project_id = $1 GROUP BY role_id',
)
const ofMember = statement<{ project_id: number }>(
  'project-ids-of-member',
  'SELECT DISTINCT project_id FROM user_roles WHERE user_id = $1',
)

export interface ProjectListQuery {
  q?: string
  sort?: string
  name?: string
  owner?: string
  public?: boolean
}

/**
 * Whose projects a list shows: all, the public ones, or also those this user is a member of (as far as they are `among`
 * some) or these ids.
 */
export type Visibility =
  | { kind: 'all' }
  | { kind: 'public'; memberId?: number; among?: readonly number[]; ids?: readonly number[] }

export const projectStore = {
  find: async (db: Queries, ref: ProjectRef): Promise<Project | undefined> => {
    const row = 'id' in ref ? await db.find(byId, [ref.id]) : await db.find(byName, [ref.name])
    return row && toProject(row)
  },
  /** With the roles a user has in it, by themselves and through groups; those of many requests are found together. */
  enteredLookup(db: Queries) {
    const byId = lookup<EnteredRow>(db, entered.byId, ['bigint', 'bigint'])
    const byName = lookup<EnteredRow>(db, entered.byName, ['text', 'bigint'])
    return async (ref: ProjectRef, userId: number) => {
      const row = 'id' in ref ? await byId([ref.id, userId]) : await byName([ref.name, userId])
      return row && { project: toProject(row), roles: row.role_ids }
    }
  },
  byNames: async (db: Queries, names: readonly string[]) => (await db.run(byNames, [names])).map(toProject),
  byIds: async (db: Queries, ids: readonly number[]) => (await db.run(byIds, [ids])).map(toProject),
  /** Keeps these from going until the transaction ends. False: one of them is gone, or about to go. */
  holdOpen: async (tx: Queries, ids: readonly number[]): Promise<boolean> => {
    const wanted = [...new Set(ids)]
    return wanted.length === 0 || (await tx.run(holdOpen, [wanted])).length === wanted.length
  },
  /** Being deleted for over a minute. */
  stuck: async (db: Queries) => (await db.run(stuck)).map(toProject),

  async insert(
    tx: Queries,
    project: { name: string; ownerId: number; public: boolean; storageLimitBytes: number },
  ): Promise<number> {
    const { name, ownerId, public: isPublic, storageLimitBytes } = project
    const row = await tx.find(insert, [name, ownerId, isPublic, storageLimitBytes])
    const { id } = row as { id: number }
    return id
  },
  insertOwner: (tx: Queries, projectId: number, userId: number) => tx.run(insertOwner, [projectId, userId]),
  async setMetadata(tx: Queries, id: number, values: Record<string, string>): Promise<void> {
    const keys = Object.keys(values)
    if (keys.length > 0) await tx.run(setMetadata, [id, keys, Object.values(values)])
  },
  /** Locks the row, raises its revision, and its access revision when `public` changes. False: not open any more. */
  update: async (tx: Queries, id: number, change: { public?: boolean }) =>
    (await tx.run(update, [id, change.public ?? null])).length > 0,
  markDeleting: async (tx: Queries, id: number, by: string | undefined) =>
    (await tx.run(markDeleting, [id, by ?? null])).length > 0,
  /** Only if nobody else has gone on with it since `revision`; so does `remove`. */
  reopen: async (tx: Queries, id: number, revision: number) => (await tx.run(reopen, [id, revision])).length > 0,
  remove: async (tx: Queries, id: number, revision: number) => (await tx.run(remove, [id, revision])).length > 0,
  /** Raises the access revision of these projects, or of all; locks their rows. Answers them as they are now. */
  async raiseAccess(tx: Queries, which: readonly number[] | 'all'): Promise<Project[]> {
    const rows = which === 'all' ? await tx.run(raiseAll) : await tx.run(raise, [which])
    return projectStore.byIds(
      tx,
      rows.map(({ id }) => id),
    )
  },
  idsOfMember: async (db: Queries, userId: number) =>
    (await db.run(ofMember, [userId])).map(({ project_id }) => project_id),

  memberCounts: async (db: Queries, id: number) =>
    new Map((await db.run(memberCounts, [id])).map(({ role_id, members }) => [role_id, members])),

  async list(
    db: Queries,
    visibility: Visibility,
    query: ProjectListQuery,
    page: Page,
  ): Promise<{ projects: Project[]; total: number }> {
    const values: unknown[] = []
    const where = [visible(visibility, values), ...narrowed(query, values)]
    where.push(filterSql(parseListQuery(query.q), PROJECT_COLUMNS, values))
    const condition = where.join(' AND ')
    const order = sortSql(parseSort(query.sort), PROJECT_COLUMNS, 'p.name, p.id')
    const sql = { select: SELECT, from: FROM, where: condition, order }
    const { rows, total } = await listRows<ProjectRow>(db, sql, values, page)
    return { projects: rows.map(toProject), total }
  },
}

function visible(visibility: Visibility, values: unknown[]): string {
  if (visibility.kind === 'all') return 'true'
  const ways = ['p.public']
  if (visibility.memberId !== undefined) {
    const own = `EXISTS (SELECT FROM user_roles m WHERE m.project_id = p.id AND m.user_id = $${values.push(visibility.memberId)})`
    ways.push(visibility.among ? `${own} AND p.id = ANY($${values.push(visibility.among)})` : own)
  }
  if (visibility.ids !== undefined) {
    values.push(visibility.ids)
    ways.push(`p.id = ANY($${values.length})`)
  }
  return `(${ways.join(' OR ')})`
}

function narrowed({ name, owner, public: isPublic }: ProjectListQuery, values: unknown[]): string[] {
  return [
    ...(name ? [`p.name ILIKE $${values.push(containsPattern(name))}`] : []),
    ...(owner ? [`u.username = $${values.push(owner)}`] : []),
    ...(isPublic === undefined ? [] : [`p.public = $${values.push(isPublic)}`]),
  ]
}

function toProject(row: ProjectRow): Project {
  return {
    id: row.id,
    name: row.name,
    ownerId: row.owner_id,
    ownerName: row.owner_name,
    public: row.public,
    state: row.state,
    storageLimitBytes: row.storage_limit_bytes,
    accessRevision: row.access_revision,
    revision: row.revision,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    ...(row.deleting_by === null ? {} : { deletingBy: row.deleting_by }),
    metadata: row.metadata ?? {},
  }
}
