import { ASKS, EVENTS } from '@berth/types'
import { describe, expect, it } from 'vitest'
import { checkAsks, checkEvents, nearest } from './subjects.ts'

const believes = ASKS.filter(
  ({ caller, effect, service, noun }) =>
    caller === 'service' && (effect === 'write' || (service === 'registry' && noun !== 'health')),
)
const reads = ASKS.filter((ask) => ask.effect === 'read' && !believes.includes(ask))

describe('what a program outside may be given', () => {
  it.each(reads.map((ask) => ask.subject))('%s, which reads', (subject) => {
    expect(checkAsks([subject], { allowWrite: false }).map((ask) => ask.subject)).toEqual([subject])
  })

  it('what changes something only when that is said', () => {
    const subjects = ['svc.token.v1.key.rotate']
    expect(() => checkAsks(subjects, { allowWrite: false })).toThrow('--allow-write')
    expect(checkAsks(subjects, { allowWrite: true })).toHaveLength(1)
  })

  it.each(believes.map((ask) => ask.subject))('never %s, which believes its caller', (subject) => {
    expect(() => checkAsks([subject], { allowWrite: true })).toThrow('services of the suite alone')
  })

  it('nothing that is not in the catalogue, and says what is near', () => {
    expect(() => checkAsks(['svc.registry.v1.tags.list'], { allowWrite: false })).toThrow(
      'the nearest are svc.registry.v1.tag.list,',
    )
    for (const subject of ['svc.>', 'svc.registry.v1.*.list', '>', '$JS.API.>', ''])
      expect(() => checkAsks([subject], { allowWrite: true })).toThrow('nobody knows')
  })

  it('events that are told, each once', () => {
    const { subject } = EVENTS[0] as { subject: string }
    expect(checkEvents([subject, subject])).toEqual([subject])
    expect(() => checkEvents(['event.artifact.push'])).toThrow('event.artifact.pushed')
  })

  it('is found by its words', () => {
    const subjects = ASKS.map((ask) => ask.subject)
    expect(nearest('registry.repositories.list', subjects)).toContain('svc.registry.v1.repository.list')
    expect(nearest('svc.log-collector.v1.line.search', subjects)[0]).toBe('svc.log-collector.v1.lines.search')
  })
})
