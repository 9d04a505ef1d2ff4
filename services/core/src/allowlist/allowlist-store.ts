import { type Queries, statement } from '@berth/db'
import type { Allowlist, AllowlistText } from './allowlist.ts'

interface AllowlistRow {
  id: number
  project_id: number | null
  cves: string[]
  expires_at: Date | null
  created_at: Date
  updated_at: Date
}

const MAX_LISTED = 100

const SELECT = 'SELECT id, project_id, cves, expires_at, created_at, updated_at FROM cve_allowlists'

const ofSuite = statement<AllowlistRow>('allowlist-of-suite', `${SELECT} WHERE project_id IS NULL`)
const ofProject = statement<AllowlistRow>('allowlist-of-project', `${SELECT} WHERE project_id = $1`)
const ofProjects = statement<AllowlistRow>(
  'allowlist-of-projects',
  `SELECT id, project_id, cves[1:$2], expires_at, created_at, updated_at FROM cve_allowlists WHERE project_id = ANY($1)`,
)
const put = statement(
  'allowlist-put',
  `INSERT INTO cve_allowlists (project_id, cves, expires_at) VALUES ($1, $2, $3)
   ON CONFLICT (project_id) DO UPDATE SET cves = excluded.cves, expires_at = excluded.expires_at, updated_at = now()`,
)

export const allowlistStore = {
  /** There from the first migration on. */
  ofSuite: async (db: Queries): Promise<Allowlist> => toAllowlist((await db.find(ofSuite)) as AllowlistRow),
  /** The project's own, if somebody gave it one. */
  ofProject: async (db: Queries, id: number): Promise<Allowlist | undefined> => {
    const row = await db.find(ofProject, [id])
    return row && toAllowlist(row)
  },
  /** For lists: by the id of the project, each with no more than its first hundred CVEs. */
  ofProjects: async (db: Queries, ids: readonly number[]): Promise<Map<number, Allowlist>> => {
    if (ids.length === 0) return new Map()
    const rows = await db.run(ofProjects, [ids, MAX_LISTED])
    return new Map(rows.map((row) => [row.project_id as number, toAllowlist(row)]))
  },
  /** Of a project, or of the suite. */
  put: (tx: Queries, projectId: number | undefined, { cves, expiresAt }: AllowlistText) =>
    tx.run(put, [projectId ?? null, cves, expiresAt ?? null]),
}

function toAllowlist(row: AllowlistRow): Allowlist {
  return {
    id: row.id,
    ...(row.project_id === null ? {} : { projectId: row.project_id }),
    cves: row.cves,
    ...(row.expires_at === null ? {} : { expiresAt: row.expires_at }),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
