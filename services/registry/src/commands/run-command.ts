import { type Database, openDatabase } from '@berth/db'
import { DomainError, statusOf } from '@berth/errors'
import { createLogger, databaseUrl, type Logger, SettingInvalid, untilSignal } from '@berth/runtime'
import { openStorage } from '../storage/index.ts'
import { ArgumentsInvalid, type Command, NotWell } from './command.ts'
import { speaker } from './speak.ts'

const EXIT = { failed: 1, usage: 2, notFound: 3 } as const

/**
 * Runs one command of the registry against its tables and its storage, and leaves its exit code in `process.exitCode`:
 * 0 done, 1 failed or found something wrong, 2 wrong usage, 3 not found. Progress and report go to stdout, one line of
 * JSON each, as `CommandLine` of @berth/types; what went wrong is one line on stderr.
 */
export async function runCommand(
  command: Command,
  args: readonly string[],
  migrate: (database: Database, log: Logger) => Promise<void>,
): Promise<void> {
  const log = createLogger({ service: 'registry', level: 'warn' })
  const { line, progress } = speaker()
  const stop = new AbortController()
  untilSignal({ parentPid: parentPidOf(process.env) }).then(
    () => stop.abort(),
    () => undefined,
  )
  try {
    const url = databaseUrl('registry', process.env)
    const storage = await openStorage(process.env)
    const database = openDatabase({ url, service: 'registry', schema: 'registry', log })
    try {
      await migrate(database, log)
      const parts = { database, storage, env: process.env, log, say: progress, signal: stop.signal }
      line({ report: await command(args, parts) })
    } finally {
      await database.close()
    }
  } catch (err) {
    if (err instanceof NotWell) line({ report: err.report })
    process.stderr.write(`berth: ${messageOf(err)}\n`)
    process.exitCode = exitCodeOf(err)
  }
}

/** Set by who starts us and would leave us behind. */
function parentPidOf(env: NodeJS.ProcessEnv): number | undefined {
  return env.BERTH_PARENT_PID ? Number(env.BERTH_PARENT_PID) : undefined
}

function messageOf(err: unknown): string {
  return (err instanceof Error ? err.message : String(err)).replaceAll(/\s+/g, ' ').trim()
}

function exitCodeOf(err: unknown): number {
  if (err instanceof ArgumentsInvalid || err instanceof SettingInvalid) return EXIT.usage
  if (err instanceof DomainError && (err.status ?? statusOf(err.code)) === 404) return EXIT.notFound
  return EXIT.failed
}
