import { describe, expect, it } from 'vitest'
import {
  ASKS,
  BUCKETS,
  CONSUMERS,
  EVENTS,
  externalPermissions,
  NATS_USERS,
  natsPermissions,
  SERVICES,
  STREAMS,
  USES,
} from './index.ts'

/** Whether a NATS pattern covers a subject. */
function covers(pattern: string, subject: string): boolean {
  const words = subject.split('.')
  const parts = pattern.split('.')
  for (const [index, part] of parts.entries()) {
    if (part === '>') return words.length > index
    if (words[index] === undefined || (part !== '*' && part !== words[index])) return false
  }
  return words.length === parts.length
}

const publishers = (subject: string) =>
  NATS_USERS.filter((user) => natsPermissions(user).publish.some((pattern) => covers(pattern, subject)))
const listeners = (subject: string) =>
  NATS_USERS.filter((user) => natsPermissions(user).subscribe.some((pattern) => covers(pattern, subject)))

describe('the permissions of asks', () => {
  it.each(ASKS.map((ask) => ask.subject))('let exactly the service it belongs to answer %s', (subject) => {
    expect(listeners(subject)).toEqual([subject.split('.')[1]])
  })

  it.each(ASKS.map((ask) => [ask.subject, ask] as const))('let only those who use it ask %s', (subject, ask) => {
    const askers = SERVICES.filter((service) => USES[service].asks.includes(ask))
    expect(publishers(subject)).toEqual(ask.effect === 'read' ? [...askers, 'operator'] : askers)
  })

  it('keep token from the deletes and policies of the registry', () => {
    for (const subject of [
      'svc.registry.v1.project.put',
      'svc.registry.v1.project.close',
      'svc.registry.v1.tag.delete',
    ])
      expect(publishers(subject)).not.toContain('token')
  })

  it('let core alone have tokens made in the name of somebody', () => {
    expect(publishers('svc.token.v1.person.issue')).toEqual(['core'])
  })

  it('let nobody ask what is not in the catalogue', () => {
    for (const service of SERVICES) expect(publishers(`svc.${service}.v1.user.delete`)).toEqual([])
  })

  it('let services alone answer where they were asked', () => {
    const answering = NATS_USERS.filter((user) => natsPermissions(user).allowResponses)
    expect(answering).toEqual([...SERVICES])
  })
})

describe('the permissions of what is told, known and said', () => {
  it.each(EVENTS.map((event) => [event.subject, event.owner]))('let only the owner tell %s', (subject, owner) => {
    expect(publishers(subject)).toEqual([owner])
  })

  it('let nobody put a job into a queue that no service works', () => {
    expect(publishers('job.GARBAGE_COLLECTION')).toEqual([])
  })

  it.each(BUCKETS.map((bucket) => [bucket]))('let only writers and provision change bucket %s', (bucket) => {
    const writers = SERVICES.filter((service) => USES[service].writes.includes(bucket))
    expect(publishers(`$KV.${bucket}.any`)).toEqual([...writers, 'provision'])
  })

  it('let nobody speak on the subjects buckets are republished to', () => {
    for (const bucket of BUCKETS) expect(publishers(`know.${bucket}.any`)).toEqual([])
  })

  it('let nobody say a line in the name of another, but the supervisor, who speaks for Postgres and NATS', () => {
    for (const service of SERVICES) expect(publishers(`log.${service}.info`)).toEqual([service, 'supervisor'])
  })
})

describe('the permissions of JetStream', () => {
  const management = [
    '$JS.API.STREAM.CREATE.MINE',
    '$JS.API.STREAM.UPDATE.EVENTS',
    '$JS.API.STREAM.DELETE.EVENTS',
    '$JS.API.STREAM.PURGE.EVENTS',
    '$JS.API.STREAM.MSG.DELETE.EVENTS',
    '$JS.API.STREAM.MSG.GET.EVENTS',
    '$JS.API.CONSUMER.CREATE.EVENTS',
    '$JS.API.CONSUMER.CREATE.EVENTS.mine.event.>',
    '$JS.API.CONSUMER.DURABLE.CREATE.EVENTS.mine',
    '$JS.API.CONSUMER.DELETE.EVENTS.registry-projects',
  ]
  it.each(management)('keep %s for provision', (subject) => {
    expect(publishers(subject)).toEqual(['provision'])
  })

  it.each(Object.entries(CONSUMERS))('let only its owner read and acknowledge consumer %s', (name, consumer) => {
    const { stream, owner } = consumer
    for (const verb of ['$JS.API.CONSUMER.INFO', '$JS.API.CONSUMER.MSG.NEXT'])
      expect(publishers(`${verb}.${stream}.${name}`)).toEqual([owner, 'provision'])
    expect(publishers(`$JS.ACK.${stream}.${name}.1.2.3.4.5`)).toEqual([owner])
  })
})

describe('the inboxes', () => {
  it.each([...NATS_USERS])('keep answers for %s from everybody else', (user) => {
    expect(listeners(`_INBOX_${user}.one`)).toEqual([user])
    expect(publishers(`_INBOX_${user}.one`)).toEqual([])
  })
})

describe('the permissions of a program outside', () => {
  const permissions = externalPermissions({
    name: 'watcher',
    asks: ['svc.registry.v1.tag.list'],
    follows: ['event.artifact.pushed'],
  })
  const mayPublish = (subject: string) => permissions.publish.some((pattern) => covers(pattern, subject))

  it('give it discovery, its asks and its own consumer', () => {
    for (const subject of [
      '$SRV.PING',
      '$SRV.INFO.registry',
      'svc.registry.v1.tag.list',
      '$JS.API.CONSUMER.MSG.NEXT.EVENTS.ext_watcher',
      '$JS.ACK.EVENTS.ext_watcher.1.2.3.4.5',
    ])
      expect(mayPublish(subject), subject).toBe(true)
    expect(permissions.subscribe).toEqual(['_INBOX_watcher.>'])
  })

  it('give it nothing else', () => {
    const refused = [
      ...management(),
      'svc.registry.v1.repository.list',
      '$JS.API.CONSUMER.MSG.NEXT.EVENTS.registry-projects',
      'event.artifact.pushed',
      'log.registry.info',
      '$KV.settings.token_expiration_minutes',
    ]
    for (const subject of refused) expect(mayPublish(subject), subject).toBe(false)
    expect(permissions.allowResponses).toBe(false)
  })

  it('give it no right on a stream when it follows nothing', () => {
    const { publish } = externalPermissions({ name: 'reader', asks: [], follows: [] })
    expect(publish.filter((subject) => subject.startsWith('$JS'))).toEqual([])
  })

  function management(): string[] {
    return ['$JS.API.CONSUMER.CREATE.EVENTS.mine', '$JS.API.STREAM.CREATE.MINE', '$JS.API.STREAM.PURGE.EVENTS']
  }
})

describe('the streams', () => {
  it('are bounded in age and in bytes', () => {
    for (const { kind, maxAgeNs, maxBytes } of STREAMS) {
      expect(maxBytes).toBeGreaterThan(0)
      if (kind === 'log') expect(maxAgeNs).toBeGreaterThan(0)
    }
  })

  it('let no job grow too old to be done', () => {
    expect(STREAMS.filter(({ maxAgeNs }) => maxAgeNs === 0).map(({ kind }) => kind)).toEqual(['work-queue'])
  })

  it('hold what is told, given and said', () => {
    const subjects = STREAMS.flatMap((stream) => [...stream.subjects])
    for (const { subject } of EVENTS) expect(subjects.some((pattern) => covers(pattern, subject))).toBe(true)
    for (const subject of ['log.core.info', 'job.GARBAGE_COLLECTION'])
      expect(subjects.some((pattern) => covers(pattern, subject))).toBe(true)
  })

  it('hold no ask, so that no question is ever kept', () => {
    const subjects = STREAMS.flatMap((stream) => [...stream.subjects])
    for (const { subject } of ASKS) expect(subjects.some((pattern) => covers(pattern, subject))).toBe(false)
  })
})
