import { Unavailable } from '@berth/errors'
import { headers } from 'nats'
import type { Bus } from './bus.ts'
import { REQUEST_ID, TRACEPARENT } from './headers.ts'

/** One row of an outbox on its way out. */
export interface OutboundEvent {
  subject: string
  /** `<schema>:<row id>`; a second publication of the same row within two minutes is dropped by the stream. */
  messageId: string
  payload: string
  requestId?: string
  traceparent?: string
}

/** Publishes to its stream and resolves when the stream has it on disk. */
export async function tellEvent(bus: Bus, event: OutboundEvent): Promise<void> {
  // The client would keep it in memory until NATS is back; the outbox is where it waits.
  if (!bus.connected) throw new Unavailable('NATS cannot be reached')
  const hdrs = headers()
  if (event.requestId) hdrs.set(REQUEST_ID, event.requestId)
  if (event.traceparent) hdrs.set(TRACEPARENT, event.traceparent)
  await bus.jetstream.publish(event.subject, event.payload, { msgID: event.messageId, headers: hdrs, timeout: 3_000 })
}
