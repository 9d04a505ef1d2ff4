import { type Database, type ListColumns, statement } from '@berth/db'
import type { AccessoryFacts } from '@berth/types'
import { findArtifact } from './artifact-search.ts'
import { type ListQuery, pageOfIds } from './columns-page.ts'
import { findJudged, type JudgedRepository } from './judged.ts'
import type { Recent } from './recent.ts'

const COLUMNS: ListColumns = {
  id: { sql: 'm.id', type: 'integer' },
  artifact_id: { sql: 'm.id', type: 'integer' },
  digest: { sql: 'm.digest', type: 'text' },
  type: { sql: 'm.accessory_type', type: 'text' },
  size: { sql: 'm.total_size', type: 'integer' },
  creation_time: { sql: 'm.pushed_at', type: 'time' },
}

interface Row {
  id: number
  digest: string
  accessory_type: string
  total_size: number
  icon: string | null
  pushed_at: Date
}

const read = statement<Row>(
  'accessory-rows',
  `SELECT m.id, m.digest, coalesce(m.accessory_type, '') AS accessory_type, m.total_size, m.icon, m.pushed_at
   FROM unnest($1::bigint[]) WITH ORDINALITY AS wanted (id, place) JOIN manifest m ON m.id = wanted.id
   ORDER BY wanted.place`,
)

/**
 * A page of the accessories of an artifact, in the order they came: of each kind of statement one.
 *
 * @throws {NotFound} no such repository or artifact
 */
export async function searchAccessories(
  database: Database,
  recent: Recent,
  { reference, ...query }: JudgedRepository & ListQuery & { reference: string },
): Promise<{ accessories: AccessoryFacts[]; total: number }> {
  const found = await findJudged(database, query)
  const subject = await findArtifact(database, found, reference)
  const { ids, total } = await pageOfIds(
    database,
    recent,
    {
      name: 'accessory',
      within: { repository: found.repository_name },
      from: 'manifest m',
      where: 'm.repository_id = $1 AND m.accessory_of = $2',
      values: [found.repository_id, subject.digest],
      id: 'm.id',
      columns: COLUMNS,
      order: [{ sql: 'm.id', descending: false }],
    },
    query,
  )
  const rows = ids.length === 0 ? [] : await database.run(read, [ids])
  const accessories = rows.map((row) => ({
    artifactId: row.id,
    digest: row.digest,
    type: row.accessory_type,
    sizeBytes: row.total_size,
    icon: row.icon,
    createdAt: row.pushed_at.toISOString(),
    subjectDigest: subject.digest,
    subjectId: subject.id,
  }))
  return { accessories, total }
}
