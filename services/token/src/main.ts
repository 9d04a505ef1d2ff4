import { openDatabase } from '@berth/db'
import { createLogger, databaseUrl, runService } from '@berth/runtime'
import { loadConfig } from './config.ts'
import { migrateToken, wire } from './wire.ts'

/** `main.ts migrate`: brings the schema up to date and leaves. */
async function migrateAlone(): Promise<void> {
  const log = createLogger({ service: 'token', level: 'info' })
  try {
    const database = openDatabase({ url: databaseUrl('token', process.env), service: 'token', schema: 'token', log })
    await migrateToken(database, log).finally(() => database.close())
  } catch (err) {
    log.error('could not migrate', { err })
    process.exitCode = 1
  }
}

if (process.argv[2] === 'migrate') await migrateAlone()
else await runService('token', () => loadConfig(process.env), wire)
