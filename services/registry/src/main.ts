import { openDatabase } from '@berth/db'
import { createLogger, databaseUrl, runService } from '@berth/runtime'
import { findCommand, runCommand } from './commands/index.ts'
import { loadConfig } from './config.ts'
import { migrateRegistry, wire } from './wire.ts'

/** `main.ts migrate`: brings the schema up to date and leaves. */
async function migrateAlone(): Promise<void> {
  const log = createLogger({ service: 'registry', level: 'info' })
  try {
    const url = databaseUrl('registry', process.env)
    const database = openDatabase({ url, service: 'registry', schema: 'registry', log })
    await migrateRegistry(database, log).finally(() => database.close())
  } catch (err) {
    log.error('could not migrate', { err })
    process.exitCode = 1
  }
}

const [name = '', ...args] = process.argv.slice(2)
const command = findCommand(name)
if (name === 'migrate') await migrateAlone()
else if (command !== undefined) await runCommand(command, args, migrateRegistry)
else await runService('registry', () => loadConfig(process.env), wire)
