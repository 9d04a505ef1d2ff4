import { type Database, statement } from '@berth/db'
import { BadRequest } from '@berth/errors'
import type { RepositoryFacts } from '@berth/types'
import { holdJudged, type JudgedRepository } from '../search/index.ts'
import { getRepository } from './repository-search.ts'

const describe = statement(
  'repository-describe',
  'UPDATE repository SET description = $2, described_at = now() WHERE id = $1',
)

/** @throws {NotFound} no such repository; {Denied} nothing may be changed */
export async function describeRepository(
  database: Database,
  asked: JudgedRepository & { description: string },
): Promise<RepositoryFacts> {
  if (asked.description.includes('\0')) throw new BadRequest('a description must not hold a zero byte')
  return database.transaction(async (tx) => {
    const { repository_id } = await holdJudged(tx, asked)
    await tx.run(describe, [repository_id, asked.description])
    return getRepository(tx, repository_id, asked.repository)
  })
}
