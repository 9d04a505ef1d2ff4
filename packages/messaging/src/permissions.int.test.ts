import { ASKS, BUCKETS, CONSUMERS, EVENTS, projectClose, SERVICES, STREAMS, USES } from '@berth/types'
import { Events, type NatsConnection } from 'nats'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openSurroundings, type Surroundings } from './testing/harness.ts'

let around: Surroundings
beforeAll(async () => {
  around = await openSurroundings()
})
afterAll(() => around.stop())

/** The subjects the server refused, of those somebody publishes to or subscribes to. */
async function refused(user: string, use: (connection: NatsConnection) => void): Promise<string[]> {
  const { connection } = await around.connect(user)
  const subjects: string[] = []
  const listen = async () => {
    for await (const { type, permissionContext } of connection.status()) {
      if (type === Events.Error && permissionContext) subjects.push(permissionContext.subject)
    }
  }
  void listen()
  use(connection)
  await connection.flush()
  // The refusals have come; whoever iterates over them has one turn more.
  await new Promise((resolve) => setTimeout(resolve, 20))
  await connection.close()
  return subjects
}

const publishRefused = (user: string, subjects: readonly string[]) =>
  refused(user, (connection) => {
    for (const subject of subjects) connection.publish(subject, '{}')
  })

const subscribeRefused = (user: string, subjects: readonly string[]) =>
  refused(user, (connection) => {
    for (const subject of subjects) connection.subscribe(subject, { callback: () => undefined })
  })

/** What makes, changes or removes streams, consumers and messages, and what reads what one is not to read. */
const JETSTREAM = [
  '$JS.API.INFO',
  '$JS.API.STREAM.LIST',
  '$JS.API.STREAM.CREATE.MINE',
  ...STREAMS.flatMap(({ name }) => [
    `$JS.API.STREAM.UPDATE.${name}`,
    `$JS.API.STREAM.DELETE.${name}`,
    `$JS.API.STREAM.PURGE.${name}`,
    `$JS.API.STREAM.MSG.GET.${name}`,
    `$JS.API.STREAM.MSG.DELETE.${name}`,
    `$JS.API.DIRECT.GET.${name}`,
    `$JS.API.CONSUMER.CREATE.${name}`,
    `$JS.API.CONSUMER.CREATE.${name}.mine`,
    `$JS.API.CONSUMER.CREATE.${name}.mine.event.>`.replace('>', 'x'),
    `$JS.API.CONSUMER.DURABLE.CREATE.${name}.mine`,
    `$JS.API.CONSUMER.MSG.NEXT.${name}.somebodys`,
  ]),
  ...BUCKETS.flatMap((bucket) => [`$JS.API.STREAM.PURGE.KV_${bucket}`, `$JS.API.CONSUMER.CREATE.KV_${bucket}.mine`]),
]

describe.each(SERVICES)('the NATS user %s', (service) => {
  it('may ask what the catalogue says it uses, and nothing else', async () => {
    const used = new Set(USES[service].asks.map(({ subject }) => subject))
    const subjects = ASKS.map(({ subject }) => subject)
    expect(await publishRefused(service, subjects)).toEqual(subjects.filter((subject) => !used.has(subject)))
  })

  it('may tell its own events alone', async () => {
    const foreign = EVENTS.filter(({ owner }) => owner !== service).map(({ subject }) => subject)
    expect(
      await publishRefused(
        service,
        EVENTS.map(({ subject }) => subject),
      ),
    ).toEqual(foreign)
  })

  it('may say its own lines alone', async () => {
    const foreign = [...SERVICES, 'postgres'].filter((name) => name !== service).map((name) => `log.${name}.info`)
    expect(await publishRefused(service, [`log.${service}.info`, ...foreign])).toEqual(foreign)
  })

  it('may make no stream and no consumer, and give no job', async () => {
    const subjects = [...JETSTREAM, 'job.GARBAGE_COLLECTION', 'job.REPLICATION']
    expect(await publishRefused(service, subjects)).toEqual(subjects)
  })

  it('may read and acknowledge its own consumers alone', async () => {
    const entries = Object.entries(CONSUMERS)
    const subjectsOf = ([name, { stream }]: (typeof entries)[number]) => [
      `$JS.API.CONSUMER.MSG.NEXT.${stream}.${name}`,
      `$JS.ACK.${stream}.${name}.1.1.1.1.0`,
    ]
    const foreign = entries.filter(([, { owner }]) => owner !== service).flatMap(subjectsOf)
    expect(await publishRefused(service, entries.flatMap(subjectsOf))).toEqual(foreign)
  })

  it('may write to the buckets that are its own alone', async () => {
    const foreign = BUCKETS.filter((bucket) => !USES[service].writes.includes(bucket)).map(
      (bucket) => `$KV.${bucket}.x`,
    )
    expect(
      await publishRefused(
        service,
        BUCKETS.map((bucket) => `$KV.${bucket}.x`),
      ),
    ).toEqual(foreign)
  })

  it('may answer under its own name and listen in its own inbox alone', async () => {
    const others = SERVICES.filter((name) => name !== service)
    const foreign = [
      '>',
      'log.>',
      'event.>',
      '$JS.>',
      '_INBOX.>',
      ...others.flatMap((name) => [`svc.${name}.v1.>`, `_INBOX_${name}.>`]),
      ...BUCKETS.filter((bucket) => !USES[service].reads.includes(bucket)).map((bucket) => `know.${bucket}.>`),
    ]
    const own = [`svc.${service}.v1.>`, `_INBOX_${service}.x`]
    expect((await subscribeRefused(service, [...own, ...foreign])).toSorted()).toEqual(foreign.toSorted())
  })
})

describe('refusals the service itself meets', () => {
  it('are an error of the call, not a wait', async () => {
    const token = await around.connect('token')
    const request = { id: 1, requireEmpty: false, revision: 1 }
    await expect(token.ask(projectClose, request)).rejects.toMatchObject({ code: 'PERMISSIONS_VIOLATION' })
  })
})

describe('the operator', () => {
  it('may ask what only reads, and discover', async () => {
    const writes = ASKS.filter(({ effect }) => effect === 'write').map(({ subject }) => subject)
    const subjects = [
      ...ASKS.map(({ subject }) => subject),
      '$SRV.PING',
      '$SRV.INFO.core',
      ...JETSTREAM,
      '$KV.settings.x',
    ]
    expect(await publishRefused('operator', subjects)).toEqual([...writes, ...JETSTREAM, '$KV.settings.x'])
  })
})
