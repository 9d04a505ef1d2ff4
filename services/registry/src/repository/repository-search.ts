import { type Database, type ListColumns, type Queries, statement } from '@berth/db'
import { BadRequest, NotFound } from '@berth/errors'
import type { RepositoryFacts, VisibleProjects } from '@berth/types'
import {
  findJudged,
  idsAfter,
  type JudgedRepository,
  type ListQuery,
  type Order,
  pageOfIds,
  type Recent,
  visibleSql,
} from '../search/index.ts'

/** Which projects somebody may see, as core says. */
interface RepositoryQuery extends ListQuery {
  projects: VisibleProjects
  /** By name, after this one. */
  after?: string
}

export interface RepositorySearch {
  /** A page: of each kind of statement one, whatever the size of the list and of the page. */
  page(query: RepositoryQuery): Promise<{ repositories: RepositoryFacts[]; total: number; next?: string }>
  /** @throws {NotFound} */
  get(asked: JudgedRepository): Promise<RepositoryFacts>
}

interface Row {
  id: number
  project_id: number
  project: string
  public: boolean
  name: string
  description: string
  pull_count: number
  created_at: Date
  updated_at: Date
  artifact_count: number
}

const LAST_PUSH = `(SELECT m.pushed_at FROM manifest m WHERE m.repository_id = r.id
  ORDER BY m.pushed_at DESC, m.id DESC LIMIT 1)`
/** So much of a description is told in lists where many are long. */
const SHORT_CHARS = 2_000
const MAX_CHARS = 400_000

const UPDATED = `greatest(r.created_at, r.described_at, ${LAST_PUSH})`
const ARTIFACTS = '(SELECT count(*) FROM manifest m WHERE m.repository_id = r.id AND m.shown)'

const COLUMNS: ListColumns = {
  id: { sql: 'r.id', type: 'integer' },
  repository_id: { sql: 'r.id', type: 'integer' },
  project_id: { sql: 'r.project_id', type: 'integer' },
  name: { sql: 'r.name', type: 'text' },
  description: { sql: 'r.description', type: 'text' },
  pull_count: { sql: 'r.pull_count', type: 'integer' },
  artifact_count: { sql: ARTIFACTS, type: 'integer' },
  creation_time: { sql: 'r.created_at', type: 'time' },
  update_time: { sql: UPDATED, type: 'time' },
}

const NEWEST_FIRST: Order = [
  { sql: 'r.created_at', descending: true },
  { sql: 'r.id', descending: true },
]
const BY_NAME: Order = [{ sql: 'r.name', descending: false }]

const read = statement<Row>(
  'repository-rows',
  `SELECT r.id, r.project_id, p.name AS project, p.public, r.name, r.description, r.pull_count, r.created_at,
     ${UPDATED} AS updated_at, ${ARTIFACTS} AS artifact_count
   FROM unnest($1::bigint[]) WITH ORDINALITY AS wanted (id, place)
   JOIN repository r ON r.id = wanted.id JOIN project p ON p.id = r.project_id
   ORDER BY wanted.place`,
)

/** Of projects that are there. */
const LISTED = `r.listed AND p.state IN ('open', 'deleting')`
const FROM = 'repository r JOIN project p ON p.id = r.project_id'

export function repositorySearch(database: Database, recent: Recent): RepositorySearch {
  return {
    async page({ projects, after, ...query }) {
      const values: unknown[] = []
      const where = `${LISTED} AND ${visibleSql(projects, values)}`
      const listed = {
        name: 'repository',
        within: 'everything' as const,
        from: FROM,
        where,
        values,
        id: 'r.id',
        columns: COLUMNS,
      }
      if (after === undefined) {
        const { ids, total } = await pageOfIds(database, recent, { ...listed, order: NEWEST_FIRST }, query)
        return { repositories: await readRepositories(database, ids), total }
      }
      if (after.includes('\0')) throw new BadRequest('after is not valid')
      const { ids, total, isLast } = await idsAfter(database, recent, { ...listed, order: BY_NAME, after }, query)
      const repositories = await readRepositories(database, ids)
      const last = repositories.at(-1)
      return { repositories, total, ...(last && !isLast && { next: last.name }) }
    },
    async get(asked) {
      const { repository_id } = await findJudged(database, asked)
      return getRepository(database, repository_id, asked.repository)
    },
  }
}

/** @throws {NotFound} deleted in this moment */
export async function getRepository(db: Queries, id: number, name: string): Promise<RepositoryFacts> {
  const [repository] = await readRepositories(db, [id])
  if (repository === undefined) throw new NotFound(`repository ${name} not found`)
  return repository
}

async function readRepositories(db: Queries, ids: readonly number[]): Promise<RepositoryFacts[]> {
  if (ids.length === 0) return []
  return fitted((await db.run(read, [ids])).map(toRepository))
}

/** As they are, unless they would not fit into one message. */
function fitted(repositories: RepositoryFacts[]): RepositoryFacts[] {
  const chars = repositories.reduce((sum, { description }) => sum + description.length, 0)
  if (chars <= MAX_CHARS || repositories.length === 1) return repositories
  return repositories.map((one) => {
    if (one.description.length <= SHORT_CHARS) return one
    return { ...one, description: one.description.slice(0, SHORT_CHARS), isTrimmed: true }
  })
}

function toRepository(row: Row): RepositoryFacts {
  return {
    id: row.id,
    projectId: row.project_id,
    project: row.project,
    isPublic: row.public,
    name: row.name,
    description: row.description,
    isTrimmed: false,
    artifactCount: row.artifact_count,
    pullCount: row.pull_count,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  }
}
