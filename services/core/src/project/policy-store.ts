import { type Queries, statement } from '@berth/db'
import { type ImmutabilityRule, NO_POLICY, type ProjectPolicy } from '@berth/types'
import { heedsAllowlist, policyIn } from './metadata.ts'
import type { Project } from './project.ts'

const rulesOf = statement<{ project_id: number; rules: ImmutabilityRule[] }>(
  'policy-rules',
  `SELECT project_id,
     jsonb_agg(jsonb_build_object('repositories', repositories, 'tags', tags) ORDER BY id) AS rules
   FROM immutability_rules WHERE project_id = ANY($1) AND NOT disabled GROUP BY project_id`,
)
const allowlistsOf = statement<{ project_id: number | null; cves: string[]; expires_at: Date | null }>(
  'policy-allowlists',
  `SELECT project_id, cves, expires_at FROM cve_allowlists
   WHERE project_id = ANY($1) OR ($2 AND project_id IS NULL)`,
)
const setLimit = statement('policy-set-limit', 'UPDATE projects SET storage_limit_bytes = $2 WHERE id = $1')
const addMetadata = statement<{ key: string }>(
  'policy-add-metadata',
  `INSERT INTO project_metadata (project_id, key, value) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING key`,
)
const removeMetadata = statement<{ key: string }>(
  'policy-remove-metadata',
  'DELETE FROM project_metadata WHERE project_id = $1 AND key = $2 RETURNING key',
)
// Rows are locked by id, as wherever several are.
const raiseHeeding = statement<{ id: number }>(
  'policy-raise-heeding',
  `UPDATE projects SET revision = revision + 1 WHERE id IN (
     SELECT p.id FROM projects p WHERE p.state = 'open'
       AND EXISTS (SELECT FROM project_metadata m WHERE m.project_id = p.id AND m.key = 'prevent_vul' AND m.value = 'true')
       AND NOT EXISTS (
         SELECT FROM project_metadata m WHERE m.project_id = p.id AND m.key = 'reuse_sys_cve_allowlist' AND m.value = 'false'
       )
     ORDER BY p.id FOR NO KEY UPDATE
   ) RETURNING id`,
)
const LOCK = `hashtext('berth policy of the suite')`
const holdSuite = statement('policy-hold-suite', `SELECT pg_advisory_xact_lock_shared(${LOCK})`)
const lockSuite = statement('policy-lock-suite', `SELECT pg_advisory_xact_lock(${LOCK})`)

/** What projects demand of pushes and pulls, as it stands in several tables. */
export const policyStore = {
  /**
   * The policy of each, in two statements. Its allowlist is there only where the project prevents pulls by what a
   * scanner found: elsewhere it decides nothing.
   */
  async of(db: Queries, projects: readonly Project[]): Promise<Map<number, ProjectPolicy>> {
    if (projects.length === 0) return new Map()
    const ids = projects.map(({ id }) => id)
    const rules = new Map((await db.run(rulesOf, [ids])).map((row) => [row.project_id, row.rules]))
    const heeded = new Map(projects.map((project) => [project.id, heedsAllowlist(project.metadata)]))
    const own = ids.filter((id) => heeded.get(id) === 'own')
    const suite = ids.some((id) => heeded.get(id) === 'suite')
    const rows = own.length > 0 || suite ? await db.run(allowlistsOf, [own, suite]) : []
    const lists = new Map(rows.map((row) => [row.project_id, row]))
    return new Map(
      projects.map((project) => {
        const which = heeded.get(project.id)
        const list = which === undefined ? undefined : lists.get(which === 'own' ? project.id : null)
        const policy: ProjectPolicy = {
          ...NO_POLICY,
          ...policyIn(project.metadata),
          immutabilityRules: rules.get(project.id) ?? [],
          cveAllowlist: list?.cves ?? [],
          cveAllowlistUntil: list?.expires_at?.toISOString() ?? null,
        }
        return [project.id, policy]
      }),
    )
  },
  setLimit: (tx: Queries, id: number, bytes: number) => tx.run(setLimit, [id, bytes]),
  /** False: the project has this key. */
  addMetadata: async (tx: Queries, id: number, key: string, value: string) =>
    (await tx.run(addMetadata, [id, key, value])).length > 0,
  /** False: the project does not have this key. */
  removeMetadata: async (tx: Queries, id: number, key: string) => (await tx.run(removeMetadata, [id, key])).length > 0,
  /** Raises the revision of the open projects whose pulls the allowlist of the suite decides on; answers their ids. */
  raiseHeeding: async (tx: Queries) => (await tx.run(raiseHeeding)).map(({ id }) => id),
  /**
   * Every change of projects holds this first, and a change of the suite's allowlist has it alone: so no project is told
   * with an older list than the one in force.
   */
  holdSuite: (tx: Queries) => tx.run(holdSuite),
  lockSuite: (tx: Queries) => tx.run(lockSuite),
}
