import { randomUUID } from 'node:crypto'
import { currentContext } from '@berth/runtime'
import type { DataOf, EventEnvelope, EventKind } from '@berth/types'
import type { Knex } from 'knex'
import { type Queries, statement } from './database.ts'

/** The outbox of a schema; part of its first migration. */
export async function createOutboxTable(knex: Knex, schema: string): Promise<void> {
  await knex.raw(`CREATE TABLE ${schema}.outbox (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT outbox_pkey PRIMARY KEY,
    subject text NOT NULL,
    payload text NOT NULL,
    request_id text,
    traceparent text,
    created_at timestamptz NOT NULL DEFAULT now()
  )`)
}

const insert = statement<{ id: number }>(
  'outbox-insert',
  'INSERT INTO outbox (subject, payload, request_id, traceparent) VALUES ($1, $2, $3, $4) RETURNING id',
)

/**
 * Writes an event in the transaction of the change it tells. Lock the row the event is about first: that is what
 * keeps the events of one entity in order.
 */
export async function tell<E extends EventKind>(
  tx: Queries,
  kind: E,
  event: { revision: number; actor?: string; data: DataOf<E> },
): Promise<void> {
  const context = currentContext()
  const envelope: EventEnvelope = {
    id: randomUUID(),
    type: kind.subject,
    occurredAt: new Date().toISOString(),
    revision: event.revision,
    requestId: context?.requestId,
    actor: event.actor,
    data: kind.data.parse(event.data),
  }
  await tx.run(insert, [kind.subject, JSON.stringify(envelope), context?.requestId, context?.traceparent])
}
