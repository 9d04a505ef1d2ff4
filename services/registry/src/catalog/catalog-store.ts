import { type Database, statement } from '@berth/db'

// The state is asked for row by row and not joined, so that it is always the index of names that is walked.
export const listNames = statement<{ name: string }>(
  'catalog-names',
  `SELECT r.name FROM repository r
   WHERE r.listed AND r.name > $1
     AND (SELECT p.state IN ('open', 'deleting') FROM project p WHERE p.id = r.project_id)
   ORDER BY r.name LIMIT $2`,
)

export interface CatalogStore {
  /** Names of the repositories of every project after `last` in byte order; the last cost what the first do. */
  list(last: string, limit: number): Promise<string[]>
}

export function catalogStore(database: Database): CatalogStore {
  return { list: async (last, limit) => (await database.run(listNames, [last, limit])).map(({ name }) => name) }
}
