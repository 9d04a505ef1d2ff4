import { z } from 'zod'
import type { ServiceName } from './services.ts'

/** One thing that happened, told on `event.<noun>.<past verb>` by the service that owns it. */
export interface EventKind<Data extends z.ZodType = z.ZodType> {
  readonly owner: ServiceName
  readonly noun: string
  readonly verb: string
  /** `event.<noun>.<past verb>` */
  readonly subject: string
  readonly summary: string
  readonly data: Data
}

export type DataOf<E extends EventKind> = z.output<E['data']>

export function defineEvent<Data extends z.ZodType>(definition: Omit<EventKind<Data>, 'subject'>): EventKind<Data> {
  return { ...definition, subject: `event.${definition.noun}.${definition.verb}` }
}

/** What every event carries around its `data`. Consumers keep the id of what they have done and drop older revisions. */
export const EventEnvelope = z.object({
  id: z.uuid(),
  type: z.string(),
  occurredAt: z.iso.datetime(),
  /** Of the entity the event is about; grows with every change of it. */
  revision: z.number().int().nonnegative(),
  requestId: z.string().optional(),
  /** The account that caused it; absent when nobody did. */
  actor: z.string().optional(),
  /** Of the client they used. */
  address: z.string().optional(),
  data: z.unknown(),
})
export type EventEnvelope = z.output<typeof EventEnvelope>
