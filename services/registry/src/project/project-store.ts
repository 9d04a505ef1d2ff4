import { type Database, isUniqueViolation, type Queries, statement } from '@berth/db'
import { PreconditionFailed } from '@berth/errors'
import type { RepositoryName } from '@berth/oci'
import { NO_POLICY, type RegistryProject } from '@berth/types'
import type { ProjectState } from './project.ts'
import { warnOnce } from './quota-warning.ts'

interface ProjectCount {
  id: number
  repositories: number
  usedBytes: number
}

export interface ProjectStore {
  /** Puts a project in force unless a newer revision of it is; answers the revision in force. */
  put(project: RegistryProject): Promise<number>
  /** @throws {PreconditionFailed} it holds a repository and must not, or has been changed meanwhile */
  close(id: number, options: { requireEmpty: boolean; revision: number }): Promise<void>
  count(ids: readonly number[]): Promise<ProjectCount[]>
  /** The row of a repository, made if there is none and the project is open. */
  ensureRepository(projectId: number, name: RepositoryName): Promise<void>
}

interface Row {
  id: number
  name: string
  state: ProjectState
  revision: number
}

interface LockedRow extends Row {
  used: number
  quota_limit: number
}

const lockByIdOrName = statement<LockedRow>(
  'project-lock',
  `SELECT id, name, state, revision, used, quota_limit FROM project WHERE id = $1 OR (name = $2 AND state <> 'deleted')
   ORDER BY id FOR NO KEY UPDATE`,
)

const upsert = statement<{ revision: number }>(
  'project-upsert',
  `INSERT INTO project (id, name, kind, state, public, access_revision, quota_limit, revision, policy)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
   ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name, kind = EXCLUDED.kind, state = EXCLUDED.state,
     public = EXCLUDED.public, access_revision = EXCLUDED.access_revision, quota_limit = EXCLUDED.quota_limit,
     revision = EXCLUDED.revision, policy = EXCLUDED.policy
   WHERE project.revision < EXCLUDED.revision AND project.state <> 'deleted'
   RETURNING revision`,
)

const markDeleted = statement('project-mark-deleted', `UPDATE project SET state = 'deleted' WHERE id = $1`)

const lockForClose = statement<Row>(
  'project-lock-close',
  'SELECT id, name, state, revision FROM project WHERE id = $1 FOR UPDATE',
)

const closeRow = statement(
  'project-close',
  `UPDATE project SET state = 'closed', revision = $2 WHERE id = $1 AND state <> 'deleted'`,
)

const hasRepository = statement<{ found: boolean }>(
  'project-has-repository',
  'SELECT EXISTS (SELECT 1 FROM repository WHERE project_id = $1 AND listed) AS found',
)

const countAll = statement<{ id: number; repositories: number; used: number }>(
  'project-count',
  `SELECT p.id, p.used, (SELECT count(*) FROM repository r WHERE r.project_id = p.id AND r.listed) AS repositories
   FROM project p WHERE p.id = ANY($1) AND p.state <> 'deleted'`,
)

const insertRepository = statement(
  'repository-ensure',
  `INSERT INTO repository (project_id, name)
   SELECT id, $2 FROM project WHERE id = $1 AND state = 'open' FOR KEY SHARE
   ON CONFLICT DO NOTHING`,
)

export function projectStore(database: Database): ProjectStore {
  const putOnce = (project: RegistryProject) => database.transaction((tx) => put(tx, project))
  return {
    async put(project) {
      try {
        return await putOnce(project)
      } catch (err) {
        // Another project of this name arrived in the same moment; now it is there to be compared with.
        if (isUniqueViolation(err)) return putOnce(project)
        throw err
      }
    },
    close: (id, { requireEmpty, revision }) =>
      database.transaction(async (tx) => {
        const row = await tx.find(lockForClose, [id])
        if (row === undefined) return rememberClosed(tx, id, revision)
        if (row.revision > revision) throw new PreconditionFailed('the project has been changed meanwhile')
        if (requireEmpty && (await tx.find(hasRepository, [id]))?.found) {
          throw new PreconditionFailed('the project contains repositories, can not be deleted')
        }
        await tx.run(closeRow, [id, revision])
      }),
    async count(ids) {
      const rows = new Map((await database.run(countAll, [ids])).map((row) => [row.id, row]))
      return ids.map((id) => {
        const row = rows.get(id)
        return { id, repositories: row?.repositories ?? 0, usedBytes: row?.used ?? 0 }
      })
    },
    ensureRepository: async (projectId, name) => void (await database.run(insertRepository, [projectId, name])),
  }
}

async function put(tx: Queries, project: RegistryProject): Promise<number> {
  const rows = await tx.run(lockByIdOrName, [project.id, project.name])
  const mine = rows.find((row) => row.id === project.id)
  if (mine && (mine.revision >= project.revision || mine.state === 'deleted')) return mine.revision
  const other = rows.find((row) => row.id !== project.id)
  // Core gives a name again only when its owner is gone, and ids grow.
  const isGone = other !== undefined && other.id > project.id
  if (other !== undefined && !isGone) await tx.run(markDeleted, [other.id])
  const [row] = await tx.run(upsert, [
    project.id,
    project.name,
    project.kind,
    isGone ? 'deleted' : project.state,
    project.public,
    project.accessRevision,
    project.quotaLimitBytes,
    project.revision,
    project.policy,
  ])
  if (row && mine && project.state === 'open') {
    const { used, quota_limit: limit } = mine
    await warnOnce(tx, project, { used, limit }, { used, limit: project.quotaLimitBytes })
  }
  return row?.revision ?? project.revision
}

/** A project never heard of: its row keeps whatever is still on its way from opening it. */
async function rememberClosed(tx: Queries, id: number, revision: number): Promise<void> {
  await tx.run(upsert, [id, `#${id}`, 'local', 'closed', false, 0, -1, revision, NO_POLICY])
}
