import { adHoc, type Database, type Queries, statement } from '@berth/db'
import type { Logger } from '@berth/runtime'
import { type Month, monthsFrom } from './months.ts'

/** So many months are ready before they begin. */
const AHEAD = 2
const EVERY_MS = 3_600_000

/** Makes the partitions of this month and the next ones. What the default partition holds of them moves over. */
export async function preparePartitions(database: Database, now = new Date()): Promise<void> {
  for (const month of monthsFrom(now, AHEAD)) {
    if (!(await isThere(database, month))) await database.transaction((tx) => make(tx, month))
  }
}

const find = statement<{ found: boolean }>(
  'audit-partition-find',
  'SELECT EXISTS (SELECT FROM pg_class WHERE relname = $1 AND relnamespace = current_schema()::regnamespace) AS found',
)

async function isThere(db: Queries, { table }: Month): Promise<boolean> {
  return (await db.find(find, [table]))?.found === true
}

/** Nobody writes meanwhile: a row that came into the default partition would keep the new one out. */
async function make(tx: Queries, month: Month): Promise<void> {
  const { table, from, to } = month
  await tx.run(adHoc('LOCK TABLE audit_log IN SHARE ROW EXCLUSIVE MODE'))
  // Another replica may have been quicker.
  if (await isThere(tx, month)) return
  await tx.run(adHoc(`CREATE TABLE ${table} (LIKE audit_log INCLUDING DEFAULTS)`))
  await tx.run(
    adHoc(`WITH moved AS (
        DELETE FROM audit_log_default WHERE occurred_at >= '${from}' AND occurred_at < '${to}' RETURNING *
      ) INSERT INTO ${table} SELECT * FROM moved`),
  )
  await tx.run(adHoc(`ALTER TABLE audit_log ATTACH PARTITION ${table} FOR VALUES FROM ('${from}') TO ('${to}')`))
}

/** Looks every hour whether the next months are ready, until stopped. */
export function keepPartitions(database: Database, log: Logger): { stop(): void } {
  const timer = setInterval(() => {
    preparePartitions(database).catch((err) => log.warn('the next months of the audit log have no partition', { err }))
  }, EVERY_MS)
  timer.unref()
  return { stop: () => clearInterval(timer) }
}
