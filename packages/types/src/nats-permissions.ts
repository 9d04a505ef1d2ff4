import { BUCKETS } from './buckets.ts'
import { ASKS, CONSUMERS, EVENTS, USES } from './catalogue.ts'
import { SERVICES, type ServiceName } from './services.ts'

/** What one NATS user may do; rendered into the server's configuration, or printed for a server of somebody else. */
export interface NatsPermissions {
  publish: string[]
  subscribe: string[]
  /** Responders answer on the inbox of whoever asked. */
  allowResponses: boolean
}

/** Users beside the services: for people's scripts, for `berth provision`, and for the supervisor's own lines. */
export const NATS_USERS = [...SERVICES, 'operator', 'provision', 'supervisor'] as const
export type NatsUser = (typeof NATS_USERS)[number]

const DISCOVERY = ['PING', 'INFO', 'STATS']

/** Asking who is there, what each answers and how it fares. */
export const DISCOVERY_SUBJECTS: readonly string[] = DISCOVERY.flatMap((verb) => [`$SRV.${verb}`, `$SRV.${verb}.>`])

export function natsPermissions(user: NatsUser): NatsPermissions {
  if (user === 'operator') return operator()
  if (user === 'provision') return provision()
  if (user === 'supervisor') return { publish: ['log.>'], subscribe: ['_INBOX_supervisor.>'], allowResponses: false }
  return service(user)
}

/** What a durable consumer may do to fetch and acknowledge; it can make nothing and look at nothing else. */
export function consumerPermissions(stream: string, consumer: string): string[] {
  return [
    `$JS.API.CONSUMER.INFO.${stream}.${consumer}`,
    `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`,
    `$JS.ACK.${stream}.${consumer}.>`,
  ]
}

function service(name: ServiceName): NatsPermissions {
  const uses = USES[name]
  const nouns = new Set(EVENTS.filter((event) => event.owner === name).map((event) => event.noun))
  const consumers = Object.entries(CONSUMERS).filter(([, consumer]) => consumer.owner === name)
  return {
    publish: [
      `log.${name}.>`,
      ...[...nouns].map((noun) => `event.${noun}.>`),
      ...uses.asks.map((ask) => ask.subject),
      ...uses.reads.map((bucket) => `$JS.API.DIRECT.GET.KV_${bucket}`),
      ...uses.writes.map((bucket) => `$KV.${bucket}.>`),
      ...consumers.flatMap(([consumer, { stream }]) => consumerPermissions(stream, consumer)),
      // Core tells an administrator how many replicas there are.
      ...(name === 'core' ? ['$SRV.PING'] : []),
    ],
    subscribe: [
      `_INBOX_${name}.>`,
      `svc.${name}.v1.>`,
      ...DISCOVERY.flatMap((verb) => [`$SRV.${verb}`, `$SRV.${verb}.${name}`, `$SRV.${verb}.${name}.*`]),
      ...uses.reads.map((bucket) => `know.${bucket}.>`),
    ],
    allowResponses: true,
  }
}

function operator(): NatsPermissions {
  return {
    publish: [...DISCOVERY_SUBJECTS, ...ASKS.filter((ask) => ask.effect === 'read').map((ask) => ask.subject)],
    subscribe: ['_INBOX_operator.>'],
    allowResponses: false,
  }
}

function provision(): NatsPermissions {
  return {
    publish: ['$JS.API.>', ...BUCKETS.map((bucket) => `$KV.${bucket}.>`)],
    subscribe: ['_INBOX_provision.>'],
    allowResponses: false,
  }
}
