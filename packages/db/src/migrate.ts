import type { Logger } from '@berth/runtime'
import type { Knex } from 'knex'
import type { Database } from './database.ts'

/** One change of a schema; `name` begins with its time, `20260301093000_create_robot`. */
export interface Migration {
  name: string
  up(knex: Knex): Promise<unknown>
}

/**
 * Brings a schema up to date, making it if it is not there. Replicas that start together take turns by an advisory
 * lock, which a process that dies loses by itself.
 */
export async function migrate(
  database: Database,
  options: { schema: string; migrations: readonly Migration[]; log: Logger },
): Promise<void> {
  const { schema, migrations, log } = options
  const holder = await database.connect()
  try {
    await holder.query('SELECT pg_advisory_lock(hashtext($1))', [`berth migrate ${schema}`])
    // Asked first: a role that owns its schema need not be allowed to create one.
    const found = await holder.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [schema])
    if (found.rowCount === 0) await holder.query(`CREATE SCHEMA ${schema}`)
    const config = { schemaName: schema, tableName: 'migration', migrationSource: sourceOf(migrations) }
    // Ours is the lock; knex's own is a row that a killed process leaves behind.
    await database.knex.migrate.forceFreeMigrationsLock(config)
    const [, done] = (await database.knex.migrate.latest(config)) as [number, string[]]
    if (done.length > 0) log.info('schema brought up to date', { schema, migrations: done })
  } finally {
    await holder.end()
  }
}

function sourceOf(migrations: readonly Migration[]): Knex.MigrationSource<Migration> {
  const inOrder = [...migrations].sort((a, b) => (a.name < b.name ? -1 : 1))
  return {
    getMigrations: async () => inOrder,
    getMigrationName: (migration) => migration.name,
    getMigration: async (migration) => ({ up: migration.up, down: refuse }),
  }
}

async function refuse(): Promise<never> {
  throw new Error('a migration is corrected by the next one, never taken back')
}
