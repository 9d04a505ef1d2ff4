import { createHmac } from 'node:crypto'
import { type Queries, statement } from '@berth/db'
import type { Logger } from '@berth/runtime'

const EVERY_MS = 60_000
const PSEUDONYM_CHARS = 16
const BATCH = 5_000

const note = statement('forgotten-name-note', 'INSERT INTO forgotten_names (name, replacement) VALUES ($1, $2)')
// Two minutes later whatever was under way in this name has been written down.
const due = statement<{ name: string; replacement: string; deleted_at: string }>(
  'forgotten-name-due',
  `SELECT name, replacement, deleted_at::text FROM forgotten_names WHERE deleted_at <= now() - interval '2 minutes'
    ORDER BY forgotten_names.deleted_at LIMIT 100`,
)
const replace = statement<{ id: number }>(
  'forgotten-name-replace',
  `WITH batch AS (
     SELECT occurred_at, id FROM audit_log
      WHERE occurred_at <= $3::timestamptz + interval '2 minutes'
        AND (username = $1 OR (resource_type IN ('user', 'member') AND resource = $1))
      LIMIT ${BATCH})
   UPDATE audit_log a SET
     username = CASE WHEN username = $1 THEN $2 ELSE username END,
     resource = CASE WHEN resource_type IN ('user', 'member') AND resource = $1 THEN $2 ELSE resource END
     FROM batch b WHERE a.occurred_at = b.occurred_at AND a.id = b.id RETURNING a.id`,
)
const done = statement(
  'forgotten-name-done',
  'DELETE FROM forgotten_names WHERE name = $1 AND deleted_at = $2::timestamptz',
)

/** What becomes of the name of somebody who is deleted. */
export interface GdprOptions {
  /** Stands for the name from then on, if it is not to be kept. */
  pseudonymOf?: (username: string) => string
  /** Replaced in the audit log too. */
  inAuditLog: boolean
}

/** One name always has the same pseudonym, and nobody without the key can try names on it. */
export function gdprOptions(config: { deleteUser: boolean; auditLogs: boolean }, key: Buffer): GdprOptions {
  if (!config.deleteUser) return { inAuditLog: false }
  const pseudonymOf = (username: string) =>
    createHmac('sha256', key).update(username).digest('hex').slice(0, PSEUDONYM_CHARS)
  return { pseudonymOf, inAuditLog: config.auditLogs }
}

/** In the transaction of a deletion: the audit log is to name this person no more. */
export async function forgetName(tx: Queries, name: string, replacement: string): Promise<void> {
  await tx.run(note, [name, replacement])
}

/** Replaces names in the audit log whose time has come, some thousand rows a statement. Answers how many rows. */
export async function replaceForgottenNames(db: Queries): Promise<number> {
  let rows = 0
  for (const { name, replacement, deleted_at } of await db.run(due)) {
    for (;;) {
      const replaced = await db.run(replace, [name, replacement, deleted_at])
      rows += replaced.length
      if (replaced.length < BATCH) break
    }
    await db.run(done, [name, deleted_at])
  }
  return rows
}

/** Looks once a minute until stopped. */
export function startForgettingNames(db: Queries, log: Logger): { stop(): void } {
  let running = false
  const timer = setInterval(async () => {
    if (running) return
    running = true
    try {
      const rows = await replaceForgottenNames(db)
      if (rows > 0) log.info('the audit log names deleted people no more', { rows })
    } catch (err) {
      log.warn('deleted people are still named in the audit log, will try again', { err })
    } finally {
      running = false
    }
  }, EVERY_MS)
  timer.unref()
  return { stop: () => clearInterval(timer) }
}
