import { type Database, migrate, openDatabase } from '@berth/db'
import { silentLogger } from '@berth/runtime'
import { throwAwayPostgres } from '@berth/testkit'
import pg from 'pg'
import { migrations } from '../../migrations/index.ts'

/** The tables alone, on a Postgres of their own. */
export interface Tables {
  database: Database
  /** Straight from the tables. */
  sql<Row>(text: string, values?: readonly unknown[]): Promise<Row[]>
  /** Names of the statements run through `database` since the last look; those put together for one request have none. */
  statements(): string[]
  stop(): Promise<void>
}

export async function openTables(): Promise<Tables> {
  const postgres = await throwAwayPostgres()
  const opened = openDatabase({ url: postgres.url, service: 'registry', schema: 'registry', log: silentLogger })
  await migrate(opened, { schema: 'registry', migrations, log: silentLogger })
  const pool = new pg.Pool({ connectionString: postgres.url, options: '-c search_path=registry', max: 2 })
  // Postgres may go before the last connection is closed.
  pool.on('error', () => undefined)
  let seen: string[] = []
  const database: Database = {
    ...opened,
    get knex() {
      return opened.knex
    },
    run(what, values) {
      seen.push(what.name)
      return opened.run(what, values)
    },
    find(what, values) {
      seen.push(what.name)
      return opened.find(what, values)
    },
  }
  return {
    database,
    sql: async <Row>(text: string, values: readonly unknown[] = []) =>
      (await pool.query(text, [...values])).rows as Row[],
    statements() {
      const names = seen
      seen = []
      return names
    },
    async stop() {
      await Promise.all([opened.close(), pool.end()])
      await postgres.stop()
    },
  }
}
