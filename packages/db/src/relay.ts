import { Gauge, type Logger, type Registry } from '@berth/runtime'
import type pg from 'pg'
import type { Database } from './database.ts'

const BATCH = 500
const IDLE_MS = 50
const FAILED_MS = 1_000

interface OutboxRow {
  id: number
  subject: string
  payload: string
  request_id: string | null
  traceparent: string | null
}

/** Publishes one row and resolves when it is safe to forget. */
export type PublishRow = (row: {
  subject: string
  messageId: string
  payload: string
  requestId?: string
  traceparent?: string
}) => Promise<void>

export interface Relay {
  /** There is something new; saves the next pause. */
  poke(): void
  stop(): Promise<void>
}

/**
 * Empties the outbox of a schema onto its stream, in the order of the ids. One relay works at a time, on whichever
 * replica holds the advisory lock; it publishes a batch at once, deletes the acknowledged beginning of it and stops at
 * the first failure.
 */
export function startRelay(options: {
  database: Database
  schema: string
  publish: PublishRow
  log: Logger
  metrics?: Registry
}): Relay {
  const { database, schema, publish, log, metrics } = options
  let stopped = false
  let wake: () => void = () => undefined
  if (metrics) measureOutbox(database, metrics)

  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })

  async function lead(): Promise<void> {
    const holder = await database.connect()
    try {
      while (!stopped) {
        const { rows } = await holder.query('SELECT pg_try_advisory_lock(hashtext($1)) AS held', [
          `berth relay ${schema}`,
        ])
        if (rows[0].held) break
        await pause(FAILED_MS)
      }
      while (!stopped) {
        const { found, sent } = await relayBatch(holder, schema, publish, log)
        if (sent < found) await pause(FAILED_MS)
        else if (found < BATCH) await pause(IDLE_MS)
      }
    } finally {
      await holder.end().catch(() => undefined)
    }
  }

  const done = (async () => {
    while (!stopped) {
      try {
        await lead()
      } catch (err) {
        if (stopped) return
        log.warn('the relay of events lost its connection, will try again', { schema, err })
        await pause(FAILED_MS)
      }
    }
  })()
  return {
    poke: () => wake(),
    stop: async () => {
      stopped = true
      wake()
      await done
    },
  }
}

async function relayBatch(
  holder: pg.Client,
  schema: string,
  publish: PublishRow,
  log: Logger,
): Promise<{ found: number; sent: number }> {
  const { rows } = await holder.query<OutboxRow>({
    name: 'outbox-batch',
    text: `SELECT id, subject, payload, request_id, traceparent FROM outbox ORDER BY id LIMIT ${BATCH}`,
  })
  if (rows.length === 0) return { found: 0, sent: 0 }
  const results = await Promise.allSettled(rows.map((row) => publish(messageOf(row, schema))))
  const failedAt = results.findIndex((result) => result.status === 'rejected')
  const sent = failedAt < 0 ? rows.length : failedAt
  if (failedAt >= 0) {
    const { reason } = results[failedAt] as PromiseRejectedResult
    log.warn('events wait in the outbox', { schema, subject: rows[failedAt]?.subject, err: reason })
  }
  // The ids of exactly the rows sent: a row with a smaller id may have been committed meanwhile.
  if (sent > 0) await holder.query('DELETE FROM outbox WHERE id = ANY($1)', [rows.slice(0, sent).map((row) => row.id)])
  return { found: rows.length, sent }
}

function messageOf(row: OutboxRow, schema: string): Parameters<PublishRow>[0] {
  return {
    subject: row.subject,
    messageId: `${schema}:${row.id}`,
    payload: row.payload,
    requestId: row.request_id ?? undefined,
    traceparent: row.traceparent ?? undefined,
  }
}

function measureOutbox(database: Database, metrics: Registry): void {
  const read = (sql: string) => async () => {
    const { rows } = await database.knex.raw<{ rows: { value: number }[] }>(sql)
    return rows[0]?.value ?? 0
  }
  const gauge = (name: string, help: string, value: () => Promise<number>) =>
    new Gauge({
      name,
      help,
      registers: [metrics],
      async collect() {
        this.set(await value().catch(() => Number.NaN))
      },
    })
  const rows = read('SELECT count(*)::int AS value FROM outbox')
  const age = read('SELECT coalesce(extract(epoch FROM now() - min(created_at)), 0)::float AS value FROM outbox')
  gauge('berth_outbox_rows', 'Events that wait to be published', rows)
  gauge('berth_outbox_oldest_seconds', 'Age of the event that waits longest', age)
}
