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

/** What NATS takes in one message is 1 MB, with its headers. */
const MAX_EVENT_BYTES = 900_000

interface Told<E extends EventKind> {
  revision: number
  actor?: string
  /** Of the client; else that of the request at hand. */
  address?: string
  data: DataOf<E>
}

/**
 * Writes an event in the transaction of the change it tells. Lock the row the event is about first: that is what
 * keeps the events of one entity in order.
 */
export async function tell<E extends EventKind>(tx: Queries, kind: E, event: Told<E>): Promise<void> {
  const context = currentContext()
  await tx.run(insert, [kind.subject, payloadOf(kind, event), context?.requestId, context?.traceparent])
}

const insertMany = statement(
  'outbox-insert-many',
  'INSERT INTO outbox (subject, payload) SELECT $1, payload FROM unnest($2::text[]) WITH ORDINALITY t (payload, n) ORDER BY n',
)

/** {@link tell} for many events of one kind at once, in their order. */
export async function tellMany<E extends EventKind>(tx: Queries, kind: E, events: readonly Told<E>[]): Promise<void> {
  if (events.length === 0) return
  await tx.run(insertMany, [kind.subject, events.map((event) => payloadOf(kind, event))])
}

function payloadOf<E extends EventKind>(kind: E, event: Told<E>): string {
  const envelope: EventEnvelope = {
    id: randomUUID(),
    type: kind.subject,
    occurredAt: new Date().toISOString(),
    revision: event.revision,
    requestId: currentContext()?.requestId,
    actor: event.actor,
    address: event.address ?? currentContext()?.address,
    data: kind.data.parse(event.data),
  }
  const text = JSON.stringify(envelope)
  // It would stand in the way of every event after it for ever.
  if (Buffer.byteLength(text) > MAX_EVENT_BYTES) throw new Error(`an event is too long to be told: ${kind.subject}`)
  return text
}
