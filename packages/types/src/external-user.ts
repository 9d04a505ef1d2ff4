import { consumerPermissions, DISCOVERY_SUBJECTS, type NatsPermissions } from './nats-permissions.ts'

/** A NATS user for a program that is not a part of the suite. */
export interface ExternalUser {
  name: string
  /** Subjects of the asks it may send. */
  asks: readonly string[]
  /** Subjects of the events it follows, over a durable consumer of its own. */
  follows: readonly string[]
}

/** The durable consumer on `EVENTS` of an external user. */
export function externalConsumer(name: string): string {
  return `ext_${name}`
}

/** Discovery, the asks and the one consumer; answers arrive on its own inbox, and it answers nobody. */
export function externalPermissions({ name, asks, follows }: ExternalUser): NatsPermissions {
  return {
    publish: [
      ...DISCOVERY_SUBJECTS,
      ...new Set(asks),
      ...(follows.length > 0 ? consumerPermissions('EVENTS', externalConsumer(name)) : []),
    ],
    subscribe: [`_INBOX_${name}.>`],
    allowResponses: false,
  }
}
