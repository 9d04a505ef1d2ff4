import { type Database, type ListColumns, type Queries, statement } from '@berth/db'
import type { RepositoryName } from '@berth/oci'
import type { TagFacts } from '@berth/types'
import { isImmutable, type RuleFacts } from '../policy/index.ts'
import {
  findArtifact,
  findJudged,
  type JudgedRepository,
  type ListQuery,
  type Order,
  pageOfIds,
  type Recent,
} from '../search/index.ts'

const COLUMNS: ListColumns = {
  id: { sql: 't.id', type: 'integer' },
  name: { sql: 't.name', type: 'text' },
  push_time: { sql: 't.pushed_at', type: 'time' },
  pull_time: { sql: `coalesce(t.pulled_at, '-infinity')`, type: 'time' },
  artifact_id: { sql: 't.manifest_id', type: 'integer' },
  repository_id: { sql: 't.repository_id', type: 'integer' },
}
const BY_NAME: Order = [{ sql: 't.name', descending: false }]
const NEWEST_FIRST: Order = [
  { sql: 't.pushed_at', descending: true },
  { sql: 't.id', descending: true },
]

interface Row {
  id: number
  repository_id: number
  manifest_id: number
  name: string
  digest: string
  pushed_at: Date
  pulled_at: Date | null
}

const read = statement<Row>(
  'tag-rows',
  `SELECT t.id, t.repository_id, t.manifest_id, t.name, m.digest, t.pushed_at, t.pulled_at
   FROM unnest($1::bigint[]) WITH ORDINALITY AS wanted (id, place)
   JOIN tag t ON t.id = wanted.id JOIN manifest m ON m.id = t.manifest_id
   ORDER BY wanted.place`,
)

/**
 * A page of the tags of one artifact, the newest first, or of a repository, by name: of each kind of statement one.
 *
 * @throws {NotFound} no such repository or artifact
 */
export async function searchTags(
  database: Database,
  recent: Recent,
  { reference, ...query }: JudgedRepository & ListQuery & { reference?: string },
): Promise<{ tags: TagFacts[]; total: number }> {
  const found = await findJudged(database, query)
  const common = {
    name: 'tag',
    within: { repository: found.repository_name },
    from: 'tag t',
    id: 't.id',
    columns: COLUMNS,
  }
  const listed =
    reference === undefined
      ? { ...common, where: 't.repository_id = $1', values: [found.repository_id], order: BY_NAME }
      : {
          ...common,
          where: 't.manifest_id = $1',
          values: [(await findArtifact(database, found, reference)).id],
          order: NEWEST_FIRST,
        }
  const { ids, total } = await pageOfIds(database, recent, listed, query)
  return { tags: await readTags(database, ids, found, found.repository_name), total }
}

/** Tags in the order of `ids`; those deleted meanwhile are left out. */
export async function readTags(
  db: Queries,
  ids: readonly number[],
  rules: RuleFacts,
  repository: RepositoryName,
): Promise<TagFacts[]> {
  if (ids.length === 0) return []
  return (await db.run(read, [ids])).map((row) => ({
    id: row.id,
    repositoryId: row.repository_id,
    artifactId: row.manifest_id,
    name: row.name,
    digest: row.digest,
    pushedAt: row.pushed_at.toISOString(),
    pulledAt: row.pulled_at?.toISOString() ?? null,
    immutable: isImmutable(rules, repository, row.name),
  }))
}
