import { type Queries, statement } from '@berth/db'
import type { Bus } from '@berth/messaging'
import { projectTally, statisticsCount } from '@berth/types'

/** What a project is and holds. */
interface ProjectFigures {
  name: string
  public: boolean
  members: number
  /** Bytes; -1 is without limit. */
  quotaBytes: number
  usedBytes: number
  repositories: number
  pulls: number
  artifacts: readonly { kind: string; count: number }[]
}

export interface Figures {
  projects: readonly ProjectFigures[]
  publicProjects: number
  privateProjects: number
  publicRepositories: number
  privateRepositories: number
  /** Of everything stored, each blob counted once. */
  storedBytes: number
}

/** Projects asked about at a time. */
const PAGE = 500
/** Beyond that a project has no figures of its own: each is a dozen series. */
const MAX_PROJECTS = 10_000

interface ProjectRow {
  id: number
  name: string
  public: boolean
  storage_limit_bytes: number
  members: number
}

const page = statement<ProjectRow>(
  'exporter-projects',
  `SELECT p.id, p.name, p.public, p.storage_limit_bytes,
     (SELECT count(*) FROM members m WHERE m.project_id = p.id) AS members
   FROM projects p WHERE p.id > $1 ORDER BY p.id LIMIT ${PAGE}`,
)
const counts = statement<{ public: number; private: number }>(
  'exporter-project-counts',
  'SELECT count(*) FILTER (WHERE public) AS public, count(*) FILTER (WHERE NOT public) AS private FROM projects',
)

/** Counts everything anew; @throws {Unavailable} while the registry or the database is away */
export async function gatherFigures(db: Queries, bus: Pick<Bus, 'ask'>): Promise<Figures> {
  const totals = await bus.ask(statisticsCount, { projects: { kind: 'all' } })
  const counted = await db.find(counts)
  const projects: ProjectFigures[] = []
  for (let after = 0; projects.length < MAX_PROJECTS; ) {
    const rows = await db.run(page, [after])
    const last = rows.at(-1)
    if (last === undefined) break
    projects.push(...(await withHoldings(rows, bus)))
    after = last.id
  }
  return {
    projects,
    publicProjects: counted?.public ?? 0,
    privateProjects: counted?.private ?? 0,
    publicRepositories: totals.publicRepositories,
    privateRepositories: totals.privateRepositories,
    storedBytes: totals.storedBytes,
  }
}

async function withHoldings(rows: readonly ProjectRow[], bus: Pick<Bus, 'ask'>): Promise<ProjectFigures[]> {
  const { projects } = await bus.ask(projectTally, { ids: rows.map(({ id }) => id) })
  const held = new Map(projects.map((project) => [project.id, project]))
  return rows.map(({ id, name, public: isPublic, members, storage_limit_bytes: quotaBytes }) => {
    const { usedBytes = 0, repositories = 0, pulls = 0, artifacts = [] } = held.get(id) ?? {}
    return { name, public: isPublic, members, quotaBytes, usedBytes, repositories, pulls, artifacts }
  })
}
