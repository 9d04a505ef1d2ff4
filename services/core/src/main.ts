import { openDatabase } from '@berth/db'
import { createLogger, databaseUrl, runService } from '@berth/runtime'
import { loadConfig } from './config.ts'
import { migrateCore, SCHEMA, wire } from './wire.ts'

/** `main.ts migrate`: brings the schema up to date and leaves. */
async function migrateAlone(): Promise<void> {
  const log = createLogger({ service: 'core', level: 'info' })
  try {
    const database = openDatabase({ url: databaseUrl('core', process.env), service: 'core', schema: SCHEMA, log })
    await migrateCore(database, log).finally(() => database.close())
  } catch (err) {
    log.error('could not migrate', { err })
    process.exitCode = 1
  }
}

if (process.argv[2] === 'migrate') await migrateAlone()
else await runService('core', () => loadConfig(process.env), wire)
