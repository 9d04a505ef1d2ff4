import { adHoc, type Database, type Queries, statement } from '@berth/db'
import { NotFound } from '@berth/errors'
import { findDigest, findTag } from '@berth/oci'
import type { ArtifactFacts, JudgedProject } from '@berth/types'
import { type ArtifactScope, artifactFilter } from './artifact-filter.ts'
import { ALONE, IN_LISTS, readArtifacts } from './artifact-rows.ts'
import { fitted } from './fit.ts'
import { type FoundRepository, findJudged, findJudgedProject, type JudgedRepository, judgedLookup } from './judged.ts'
import { readPlaces } from './places.ts'
import type { ListScope, Recent } from './recent.ts'

export interface ArtifactQuery {
  project: JudgedProject
  /** `library/nginx`; absent: all of the project. */
  repository?: string
  latestInRepository?: boolean
  q?: string
  sort?: string
  page: number
  pageSize: number
  /** Where the page before ended. */
  after?: string
  /** Without inherited accessories and verdicts. */
  brief?: boolean
}

export interface ArtifactSearch {
  /** A page: of each kind of statement one, whatever the size of the list and of the page. */
  page(query: ArtifactQuery): Promise<{ artifacts: ArtifactFacts[]; total: number; next?: string }>
  count(query: Pick<ArtifactQuery, 'project' | 'repository' | 'q'>): Promise<number>
  /** @throws {NotFound} */
  get(asked: JudgedRepository & { reference: string }): Promise<ArtifactFacts>
}

const findByTag = statement<{ id: number; digest: string }>(
  'search-by-tag',
  `SELECT m.id, m.digest FROM tag t JOIN manifest m ON m.id = t.manifest_id WHERE t.repository_id = $1 AND t.name = $2`,
)
const findByDigest = statement<{ id: number; digest: string }>(
  'search-by-digest',
  'SELECT id, digest FROM manifest WHERE repository_id = $1 AND digest = $2',
)

export function artifactSearch(database: Database, recent: Recent): ArtifactSearch {
  const judged = judgedLookup(database)

  async function scopeOf({
    project,
    repository,
    latestInRepository = false,
  }: Omit<ArtifactQuery, 'page' | 'pageSize'>) {
    if (repository === undefined) {
      const rules = await findJudgedProject(database, project)
      const within = { project: rules.project_name }
      return { rules, within, scope: { projectId: rules.project_id, latestInRepository } satisfies ArtifactScope }
    }
    const found = await judged({ project, repository })
    const within = { repository: found.repository_name }
    return { rules: found, within, scope: { repositoryId: found.repository_id } satisfies ArtifactScope }
  }

  function countOf(within: ListScope, { where, values }: { where: string; values: unknown[] }): Promise<number> {
    return recent.total(within, `artifact ${where} ${JSON.stringify(values)}`, async () => {
      const counted = await database.find(
        adHoc<{ total: number }>(`SELECT count(*) AS total FROM manifest m WHERE ${where}`),
        values,
      )
      return counted?.total ?? 0
    })
  }

  return {
    async page(query) {
      const { rules, within, scope } = await scopeOf(query)
      const filter = artifactFilter(query.q, scope)
      const total = await countOf(within, filter)
      const { rows, isLast } = await readPlaces({ db: database, recent, within, filter, total }, query)
      const ids = rows.map(({ id }) => id)
      const artifacts = fitted(await readArtifacts(database, ids, rules, IN_LISTS, { isBrief: query.brief ?? false }))
      const end = rows.at(-1)
      return { artifacts, total, ...(!isLast && end && { next: `${end.micros}.${end.id}` }) }
    },
    async count(query) {
      const { within, scope } = await scopeOf(query)
      return countOf(within, artifactFilter(query.q, scope))
    },
    async get({ reference, ...asked }) {
      const found = await findJudged(database, asked)
      const { id } = await findArtifact(database, found, reference)
      const [artifact] = fitted(await readArtifacts(database, [id], found, ALONE))
      if (artifact === undefined) throw artifactUnknown(found.repository_name, reference)
      return artifact
    },
  }
}

/**
 * What a tag or a digest names.
 *
 * @throws {NotFound}
 */
export async function findArtifact(
  db: Queries,
  { repository_id, repository_name }: Pick<FoundRepository, 'repository_id' | 'repository_name'>,
  reference: string,
): Promise<{ id: number; digest: string }> {
  const digest = findDigest(reference)
  const tag = digest === undefined ? findTag(reference) : undefined
  const found =
    digest !== undefined
      ? await db.find(findByDigest, [repository_id, digest])
      : tag !== undefined && (await db.find(findByTag, [repository_id, tag]))
  if (!found) throw artifactUnknown(repository_name, reference)
  return found
}

/** NOT_FOUND (404) */
export function artifactUnknown(repository: string, reference: string): NotFound {
  return new NotFound(`artifact ${repository}${reference.includes(':') ? '@' : ':'}${reference} not found`)
}
