import { ERROR_CODES } from '@berth/errors'
import type { Ask } from './ask.ts'
import { channelsOf, type Json, jobChannel, keysOf, logChannel, operationsOf, reference } from './asyncapi-channels.ts'
import { payloadSchemas } from './asyncapi-schemas.ts'
import { BUCKETS, type Bucket } from './buckets.ts'
import { ASKS, CONSUMERS, EVENTS } from './catalogue.ts'
import type { EventKind } from './event.ts'

/**
 * The AsyncAPI 3.0 document of everything the suite answers and tells over NATS. The suite is the application it
 * speaks of: it receives asks and sends events, log lines and what it knows.
 *
 * @see https://www.asyncapi.com/docs/reference/specification/v3.0.0
 */
export function asyncApiDocument(version: string): Json {
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Berth over NATS',
      version,
      description: DESCRIPTION,
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    defaultContentType: 'application/json',
    servers: {
      nats: {
        host: '127.0.0.1:4222',
        protocol: 'nats',
        description: 'Host and port differ for each suite; suite.json and every credentials file name them.',
        security: [reference('components', 'securitySchemes', 'natsUser')],
      },
    },
    channels: { ...channelsOf(), ...logChannel(), ...jobChannel() },
    operations: operationsOf(),
    components: {
      messages: {
        ...Object.assign({}, ...ASKS.map(askMessages)),
        ...Object.assign({}, ...EVENTS.map(eventMessage)),
        ...Object.assign({}, ...BUCKETS.map(bucketMessages)),
        'log.line': { title: 'A log line', payload: reference('components', 'schemas', 'LogLine') },
        'job.task': {
          title: 'A job',
          headers: reference('components', 'schemas', 'EventHeaders'),
          payload: reference('components', 'schemas', 'JobMessage'),
        },
        'ask.failed': {
          title: 'An ask that failed',
          headers: reference('components', 'schemas', 'FailureHeaders'),
          payload: reference('components', 'schemas', 'Failure'),
        },
      },
      schemas: { ...payloadSchemas(), ...HEADERS, Failure: FAILURE },
      securitySchemes: {
        natsUser: { type: 'userPassword', description: 'One NATS user for each service and each program outside' },
      },
    },
  }
}

const DESCRIPTION = [
  'Asks are NATS requests: publish to the subject with a reply subject below your own inbox (`_INBOX_<user>.>`).',
  'Services are registered with the NATS services API: `$SRV.PING`, `$SRV.INFO` and `$SRV.STATS` find them.',
  'Events are in the JetStream stream `EVENTS` (7 days), log lines in `LOGS` (24 hours), jobs in `JOBS` until they are done.',
  'A program outside gets its user, its subjects and its durable consumer from `berth nats user add`.',
  'New fields may be added to any payload: leave those you do not know alone.',
].join('\n')

const text = { type: 'string' }
const traced = {
  'x-request-id': { ...text, description: 'Found again in every log line the message causes' },
  traceparent: { ...text, description: 'W3C trace context' },
}
const address = { ...text, description: 'Of the client it is asked for, as the gateway saw it' }
const deadline = { ...text, format: 'date-time', description: 'Nobody waits for the answer after it' }

const HEADERS: Record<string, Json> = {
  AskHeaders: {
    type: 'object',
    properties: { ...traced, 'x-berth-address': address, 'x-berth-deadline': deadline },
  },
  PersonAskHeaders: {
    type: 'object',
    required: ['authorization'],
    properties: {
      ...traced,
      'x-berth-address': address,
      'x-berth-deadline': deadline,
      authorization: { ...text, description: '`Bearer <token>`, as svc.token.v1.access.issue answers one' },
    },
  },
  EventHeaders: {
    type: 'object',
    properties: { ...traced, 'Nats-Msg-Id': { ...text, description: 'Drops a second publication within two minutes' } },
  },
  KnownHeaders: {
    type: 'object',
    properties: { 'Nats-Sequence': { ...text, description: 'The highest one of a key is its value' } },
  },
  FailureHeaders: {
    type: 'object',
    required: ['Nats-Service-Error-Code', 'Nats-Service-Error'],
    properties: {
      'Nats-Service-Error-Code': { ...text, description: 'The status the same error has over HTTP' },
      'Nats-Service-Error': { ...text, description: 'The code' },
    },
  },
}

const FAILURE: Json = {
  type: 'object',
  required: ['code', 'message'],
  properties: { code: { ...text, enum: [...ERROR_CODES] }, message: text, detail: {} },
}

function askMessages(ask: Ask): Record<string, Json> {
  const { subject, caller } = ask
  return {
    [`${subject}.request`]: {
      title: `Ask ${ask.service}: ${ask.noun} ${ask.verb}`,
      headers: reference('components', 'schemas', caller === 'person' ? 'PersonAskHeaders' : 'AskHeaders'),
      payload: reference('components', 'schemas', `${subject}.request`),
    },
    [`${subject}.answer`]: {
      title: `Answer of ${ask.service}: ${ask.noun} ${ask.verb}`,
      payload: reference('components', 'schemas', `${subject}.answer`),
    },
  }
}

function eventMessage(event: EventKind): Record<string, Json> {
  const { subject, summary, owner } = event
  return {
    [subject]: {
      title: `Told by ${owner}: ${event.noun} ${event.verb}`,
      summary,
      headers: reference('components', 'schemas', 'EventHeaders'),
      payload: {
        allOf: [
          reference('components', 'schemas', 'EventEnvelope'),
          {
            type: 'object',
            properties: { type: { const: subject }, data: reference('components', 'schemas', `${subject}.data`) },
          },
        ],
      },
      'x-followed-by': Object.entries(CONSUMERS)
        .filter(
          ([, consumer]) =>
            consumer.stream === 'EVENTS' && [consumer.filter].flat().some((filter) => covers(filter, subject)),
        )
        .map(([name]) => name),
    },
  }
}

function covers(filter: string, subject: string): boolean {
  return filter.endsWith('.>') ? subject.startsWith(filter.slice(0, -1)) : filter === subject
}

function bucketMessages(bucket: Bucket): Record<string, Json> {
  const message = (name: string) => ({
    title: `A value of bucket ${bucket}`,
    headers: reference('components', 'schemas', 'KnownHeaders'),
    payload: reference('components', 'schemas', name),
  })
  return Object.fromEntries(keysOf(bucket).map((name) => [name, message(name)]))
}
