import { adHoc, type Database, statement } from '@berth/db'
import type { projectUsage, RequestOf, ResponseOf, statisticsCount } from '@berth/types'
import { type Recent, visibleSql } from '../search/index.ts'

const sumStored = statement<{ total: number }>(
  'statistics-stored',
  'SELECT coalesce(sum(size), 0)::bigint AS total FROM blob',
)

/** Repositories of every public project, those of the others asked about, and the bytes of all blobs. */
export async function countStatistics(
  database: Database,
  recent: Recent,
  { projects }: RequestOf<typeof statisticsCount>,
): Promise<ResponseOf<typeof statisticsCount>> {
  const values: unknown[] = []
  const counted = await database.run(
    adHoc<{ public: boolean; repositories: number }>(
      `SELECT p.public, count(*) AS repositories FROM repository r JOIN project p ON p.id = r.project_id
       WHERE r.listed AND p.state IN ('open', 'deleting') AND (p.public OR ${visibleSql(projects, values)})
       GROUP BY p.public`,
    ),
    values,
  )
  const of = (isPublic: boolean) => counted.find((row) => row.public === isPublic)?.repositories ?? 0
  const storedBytes = await recent.total(
    'everything',
    'stored',
    async () => (await database.find(sumStored))?.total ?? 0,
  )
  return { publicRepositories: of(true), privateRepositories: of(false), storedBytes }
}

const ORDERS: Readonly<Record<string, string>> = {
  used: 'p.used ASC, p.id ASC',
  '-used': 'p.used DESC, p.id DESC',
  limit: 'p.quota_limit ASC, p.id ASC',
  '-limit': 'p.quota_limit DESC, p.id DESC',
}

interface UsageRow {
  id: number
  used: number
  quota_limit: number
}

/** A page of the usage of projects that are there. */
export async function pageOfUsage(
  database: Database,
  { ids, sort, page, pageSize }: RequestOf<typeof projectUsage>,
): Promise<ResponseOf<typeof projectUsage>> {
  const where = `p.state IN ('open', 'deleting') AND ($1::bigint[] IS NULL OR p.id = ANY($1))`
  const order = ORDERS[sort ?? ''] ?? 'p.id ASC'
  const [counted, rows] = await Promise.all([
    database.find(adHoc<{ total: number }>(`SELECT count(*) AS total FROM project p WHERE ${where}`), [ids ?? null]),
    database.run(
      adHoc<UsageRow>(
        `SELECT p.id, p.used, p.quota_limit FROM project p WHERE ${where}
         ORDER BY ${order} LIMIT ${pageSize} OFFSET ${(page - 1) * pageSize}`,
      ),
      [ids ?? null],
    ),
  ])
  return {
    projects: rows.map(({ id, used, quota_limit }) => ({ id, usedBytes: used, limitBytes: quota_limit })),
    total: counted?.total ?? 0,
  }
}
