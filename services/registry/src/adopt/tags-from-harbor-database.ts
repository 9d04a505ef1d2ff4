import { findDigest } from '@berth/oci'
import pg from 'pg'
import type { BroughtTag, TagSource } from './tag-source.ts'
import { HarborRefused } from './tags-from-harbor.ts'

const PAGE = 1_000
const CONNECT_MS = 10_000

// Harbor keeps its times without a zone, in UTC.
const LIST = `
  SELECT t.name, a.digest, t.push_time AT TIME ZONE 'UTC' AS pushed_at,
    nullif(t.pull_time, '0001-01-01') AT TIME ZONE 'UTC' AS pulled_at
  FROM tag t JOIN artifact a ON a.id = t.artifact_id
  WHERE t.repository_id = $1 AND t.name > $2 COLLATE "C" ORDER BY t.name COLLATE "C" LIMIT $3`

interface Row {
  name: string
  digest: string
  pushed_at: Date | null
  pulled_at: Date | null
}

/**
 * The tags in the database of a Harbor 2.x, read only: its tables `repository`, `artifact` and `tag`.
 *
 * @param url `postgres://user@host/registry`
 * @throws {HarborRefused} it cannot be reached, or is none
 */
export async function tagsFromHarborDatabase(url: URL, password: string | undefined): Promise<TagSource> {
  const client = new pg.Client({
    connectionString: url.href,
    ...(password !== undefined && { password }),
    application_name: 'berth-adopt',
    options: '-c default_transaction_read_only=on',
    connectionTimeoutMillis: CONNECT_MS,
  })
  // Without a listener a lost connection would end the process; the next query on it fails anyway.
  client.on('error', () => undefined)
  const asked = async <T extends object>(text: string, values: unknown[]): Promise<T[]> => {
    try {
      return (await client.query<T>(text, values)).rows
    } catch (err) {
      throw new HarborRefused(`the database of Harbor refused: ${(err as Error).message}`, { cause: err })
    }
  }
  try {
    await client.connect()
  } catch (err) {
    throw new HarborRefused(`cannot reach the database of Harbor at ${url.host}`, { cause: err })
  }

  async function* tagsOfRepository(id: number): AsyncIterable<BroughtTag> {
    for (let last = ''; ; ) {
      const rows = await asked<Row>(LIST, [id, last, PAGE])
      for (const row of rows) {
        const digest = findDigest(row.digest)
        if (digest === undefined) continue
        yield { name: row.name, digest, pushedAt: row.pushed_at ?? undefined, pulledAt: row.pulled_at ?? undefined }
      }
      if (rows.length < PAGE) return
      last = rows.at(-1)?.name ?? ''
    }
  }

  return {
    name: `postgres://${url.host}${url.pathname}`,
    async tagsOf(repository) {
      const [row] = await asked<{ id: number }>('SELECT repository_id AS id FROM repository WHERE name = $1', [
        repository,
      ])
      return row && tagsOfRepository(row.id)
    },
    close: () => client.end(),
  }
}
