import { describe, expect, it } from 'vitest'
import { ASKS, CONSUMERS, EVENTS, healthCheck, JOBS, SERVICES, STREAMS, USES } from './index.ts'

const subjects = [...ASKS, ...EVENTS, ...JOBS].map(({ subject }) => subject)

describe('the catalogue', () => {
  it('names every subject once', () => {
    expect(subjects.toSorted()).toEqual([...new Set(subjects)].toSorted())
  })

  it.each(ASKS.map((ask) => [ask.subject, ask] as const))(
    'spells %s after its service, noun and verb',
    (subject, ask) => {
      expect(subject).toBe(`svc.${ask.service}.v1.${ask.noun}.${ask.verb}`)
      expect(subject).toMatch(/^svc(?:\.[a-z0-9]+(?:-[a-z0-9]+)*){4}$/)
      expect(SERVICES).toContain(ask.service)
    },
  )

  it.each(EVENTS.map((event) => [event.subject, event] as const))(
    'spells %s after its noun and verb',
    (subject, event) => {
      expect(subject).toMatch(/^event\.[a-z]+\.[a-z]+ed$/)
      expect(SERVICES).toContain(event.owner)
    },
  )

  it('has a noun of events for one owner only', () => {
    const owners = Map.groupBy(EVENTS, (event) => event.noun)
    for (const [noun, events] of owners)
      expect([noun, new Set(events.map(({ owner }) => owner)).size]).toEqual([noun, 1])
  })

  it('knows every ask a service uses', () => {
    for (const service of SERVICES) for (const ask of USES[service].asks) expect(ASKS).toContain(ask)
  })

  it('lets no service ask itself, but for its health', () => {
    for (const service of SERVICES) {
      const own = USES[service].asks.filter((ask) => ask.service === service && ask !== healthCheck[service])
      expect(own).toEqual([])
    }
  })

  it('lets a service that asks on behalf of a person have a token for it', () => {
    for (const service of SERVICES) {
      const uses = USES[service].asks
      if (uses.some((ask) => ask.caller === 'person')) expect(uses.map((ask) => ask.verb)).toContain('issue')
    }
  })

  it('asks each service how it is', () => {
    expect(Object.keys(healthCheck)).toEqual([...SERVICES])
  })

  it('gives each durable consumer a stream that holds what it filters, and an owner', () => {
    for (const { stream, filter, owner } of Object.values(CONSUMERS)) {
      const held = STREAMS.find(({ name }) => name === stream)?.subjects ?? []
      for (const one of [filter].flat()) expect(held.some((pattern) => one.startsWith(pattern.slice(0, -1)))).toBe(true)
      expect(SERVICES).toContain(owner)
    }
  })

  it('waits for no answer longer than half a minute', () => {
    for (const { timeoutMs } of ASKS) {
      expect(timeoutMs).toBeGreaterThan(0)
      expect(timeoutMs).toBeLessThanOrEqual(30_000)
    }
  })
})
