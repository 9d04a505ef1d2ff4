import type { Ask } from './ask.ts'
import { BUCKETS, type Bucket, SETTING_SHAPES } from './buckets.ts'
import { ASKS, EVENTS, JOBS } from './catalogue.ts'
import { LOG_LEVELS } from './log.ts'
import { SERVICES } from './services.ts'

/** A JSON value of the document. */
export type Json = { [key: string]: unknown }

/** `{ "$ref": "#/a/b" }`, escaped as RFC 6901 asks. */
export function reference(...path: string[]): { $ref: string } {
  return { $ref: `#/${path.map((part) => part.replaceAll('~', '~0').replaceAll('/', '~1')).join('/')}` }
}

const INBOX = 'inbox'
const FAILED = 'ask.failed'

/** A channel for each ask and event, one for each bucket, and one for every inbox. */
export function channelsOf(): Record<string, Json> {
  return {
    ...Object.fromEntries(ASKS.map((ask) => [ask.subject, askChannel(ask)])),
    [INBOX]: {
      address: null,
      title: 'The inbox of whoever asks',
      description: 'The reply subject of the request, below `_INBOX_<user>.`',
      messages: messages([...ASKS.map((ask) => `${ask.subject}.answer`), FAILED]),
    },
    ...Object.fromEntries(
      EVENTS.map(({ subject, summary, owner }) => [
        subject,
        { address: subject, summary, messages: messages([subject]), 'x-owner': owner, 'x-stream': 'EVENTS' },
      ]),
    ),
    ...Object.fromEntries(BUCKETS.flatMap((bucket) => (keysOf(bucket).length > 0 ? [bucketChannel(bucket)] : []))),
  }
}

export function logChannel(): Record<string, Json> {
  return {
    log: {
      address: 'log.{service}.{level}',
      summary: 'Every log line, without waiting; the collector keeps what the stream took',
      parameters: {
        service: {
          enum: [...SERVICES],
          description: 'Who says it; Postgres and nats-server speak too where we run them',
        },
        level: { enum: [...LOG_LEVELS] },
      },
      messages: messages(['log.line']),
      'x-stream': 'LOGS',
    },
  }
}

export function jobChannel(): Record<string, Json> {
  const types = JOBS.map(({ type }) => type)
  return {
    job: {
      address: 'job.{type}',
      summary: 'Work given inside the suite; each job is taken by one worker, and leaves the stream when it is done',
      parameters: { type: { description: 'The kind of work', ...(types.length > 0 ? { enum: types } : {}) } },
      messages: messages(['job.task']),
      'x-stream': 'JOBS',
    },
  }
}

export function operationsOf(): Record<string, Json> {
  const knowing = BUCKETS.filter((bucket) => keysOf(bucket).length > 0)
  return {
    ...Object.fromEntries(ASKS.map((ask) => [ask.subject, askOperation(ask)])),
    ...Object.fromEntries(EVENTS.map(({ subject, summary }) => [subject, sends(subject, summary, [subject])])),
    ...Object.fromEntries(
      knowing.map((bucket) => [
        `know.${bucket}`,
        sends(`know.${bucket}`, `A value of bucket ${bucket} changed`, keysOf(bucket)),
      ]),
    ),
    log: sends('log', 'A line is said', ['log.line']),
    job: sends('job', 'A job is given', ['job.task']),
  }
}

function askChannel({ subject, summary }: Ask): Json {
  return { address: subject, summary, messages: messages([`${subject}.request`]) }
}

function bucketChannel(bucket: Bucket): [string, Json] {
  const keys = keysOf(bucket)
  return [
    `know.${bucket}`,
    {
      address: `know.${bucket}.{key}`,
      summary: `Changes of bucket ${bucket}; a snapshot is read from \`$JS.API.DIRECT.GET.KV_${bucket}\``,
      parameters: { key: { enum: keys.map((key) => key.slice(`know.${bucket}.`.length)) } },
      messages: messages(keys),
    },
  ]
}

function askOperation(ask: Ask): Json {
  const { subject, summary, service, effect, caller, timeoutMs } = ask
  return {
    action: 'receive',
    summary,
    channel: reference('channels', subject),
    messages: [reference('channels', subject, 'messages', `${subject}.request`)],
    reply: {
      channel: reference('channels', INBOX),
      messages: [`${subject}.answer`, FAILED].map((name) => reference('channels', INBOX, 'messages', name)),
    },
    tags: [{ name: service }],
    bindings: { nats: { queue: service, bindingVersion: '0.1.0' } },
    'x-effect': effect,
    'x-caller': caller,
    'x-timeout-ms': timeoutMs,
  }
}

function sends(channel: string, summary: string, names: readonly string[]): Json {
  return {
    action: 'send',
    summary,
    channel: reference('channels', channel),
    messages: names.map((name) => reference('channels', channel, 'messages', name)),
  }
}

function messages(names: readonly string[]): Record<string, Json> {
  return Object.fromEntries(names.map((name) => [name, reference('components', 'messages', name)]))
}

/** `know.<bucket>.<key>` for every key that has a shape; bucket `routes` gets its own with proxy projects. */
export function keysOf(bucket: Bucket): string[] {
  return bucket === 'settings' ? Object.keys(SETTING_SHAPES).map((key) => `know.settings.${key}`) : []
}
