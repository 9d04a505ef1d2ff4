import { ASKS } from '@berth/types'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openWorld, type World } from '../testing/test-world.ts'

describe('the asks of the registry', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld()
    await world.startReplica()
  })
  afterAll(() => world?.stop())

  it('are all answered, and nothing else is', async () => {
    const { connection } = world.bus
    const info = (await connection.request('$SRV.INFO.registry', '', { timeout: 5_000 })).json<{
      endpoints: { subject: string; metadata: { caller: string; effect: string } }[]
    }>()
    const answered = info.endpoints.map(({ subject, metadata: { caller, effect } }) => ({ subject, caller, effect }))
    const wanted = ASKS.filter((ask) => ask.service === 'registry')
    const bySubject = (a: { subject: string }, b: { subject: string }) => (a.subject < b.subject ? -1 : 1)
    expect(answered.toSorted(bySubject)).toEqual(
      wanted.map(({ subject, caller, effect }) => ({ subject, caller, effect })).toSorted(bySubject),
    )
  })

  /** As a program does that has the subject and nothing of ours. */
  const codeFor = async (subject: string, body: string) =>
    (await world.bus.connection.request(subject, body, { timeout: 5_000 })).json<{ code?: string }>().code

  it('want a token where they are made for a person', async () => {
    const forPeople = ASKS.filter((ask) => ask.service === 'registry' && ask.caller === 'person')
    expect(forPeople.length).toBeGreaterThan(2)
    for (const { subject } of forPeople)
      expect([subject, await codeFor(subject, '{}')]).toEqual([subject, 'UNAUTHORIZED'])
  })

  it('refuse what is no request of theirs', async () => {
    const forCore = ASKS.filter(
      (ask) => ask.service === 'registry' && ask.caller === 'service' && ask.noun !== 'health',
    )
    for (const { subject } of forCore) {
      for (const body of ['{', '[]', '"x"']) {
        expect([subject, body, await codeFor(subject, body)]).toEqual([subject, body, 'BAD_REQUEST'])
      }
    }
  })
})
