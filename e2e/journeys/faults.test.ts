import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Api, errorsOf, type Person, ROLE } from '../src/api.ts'
import { type Docker, openDocker } from '../src/clients/docker.ts'
import { type Dockerd, startDockerd } from '../src/clients/dockerd.ts'
import { type Events, openEvents } from '../src/events.ts'
import { freeze, holdDead, holdDown, programs, service } from '../src/faults.ts'
import { figure, median } from '../src/figures.ts'
import { type Answer, ask } from '../src/http.ts'
import { makeImage } from '../src/images/image.ts'
import { type Acknowledged, type Load, startLoad, type Tally } from '../src/load.ts'
import { sleep, until } from '../src/process.ts'
import { askToken, getToken, RegistryClient } from '../src/registry-client.ts'
import { openScratch, removeScratch } from '../src/scratch.ts'
import { type Suite, startSuite } from '../src/suite.ts'
import { openTools, type Tools } from '../tools/install.ts'

const LONG = process.env.BERTH_E2E_LONG === '1'
const NATS_AWAY_MS = LONG ? 60_000 : 10_000
const POSTGRES_AWAY_MS = LONG ? 60_000 : 10_000
const SERVICE_AWAY_MS = LONG ? 15_000 : 4_000
/** An answer that takes longer than this is a hang. */
const HANG_MS = 5_000
const RECOVERY_MS = 90_000
const REPOSITORY = 'storm/app'
const SCOPE = `repository:${REPOSITORY}:pull,push`

describe('faults', () => {
  let suite: Suite
  let tools: Tools
  let admin: Api
  let person: Person
  let client: RegistryClient
  let events: Events
  let home: string
  let dockerd: Dockerd
  let docker: Docker
  let image: string
  let known: Acknowledged
  const kept: Acknowledged[] = []

  beforeAll(async () => {
    home = await openScratch()
    tools = await openTools()
    suite = await startSuite()
    admin = Api.admin(suite)
    person = await admin.createUser('dora')
    await admin.createProject('storm')
    await admin.addMember('storm', person, ROLE.developer)
    client = new RegistryClient(suite.url, `Bearer ${await token()}`)
    const content = await makeImage({ name: 'known', layerBytes: [300_000] })
    await client.pushImage(REPOSITORY, 'known', content)
    known = { repository: REPOSITORY, tag: 'known', digest: content.manifest.digest }
    events = await openEvents(suite)
    dockerd = await startDockerd(tools)
    docker = await openDocker(tools, dockerd, join(home, 'docker'))
    await docker.login(suite.host, person.name, person.password)
    image = `${suite.host}/${REPOSITORY}:known`
  })

  afterAll(async () => {
    await dockerd?.stop()
    await events?.stop()
    await suite?.stop()
    await removeScratch(home)
  })

  const token = (): Promise<string> =>
    getToken(suite.url, { user: person.name, password: person.password, scopes: [SCOPE] })
  const wantToken = (): Promise<Answer> =>
    askToken(suite.url, { user: person.name, password: person.password, scopes: [SCOPE], timeoutMs: HANG_MS })
  const wantManifest = (): Promise<Answer> =>
    ask(client.url(REPOSITORY, 'manifests/known'), { headers: client.headers(), timeoutMs: HANG_MS })
  const wantProjects = (): Promise<Answer> => admin.get('/api/v2.0/projects', { timeoutMs: HANG_MS })
  const unhealthy = async (): Promise<string[]> => {
    const answer = await admin.get('/api/v2.0/health', { timeoutMs: HANG_MS })
    expect(answer.status).toBe(200)
    const { components } = answer.json<{ components: { name: string; status: string }[] }>()
    return components.filter((one) => one.status !== 'healthy').map((one) => one.name)
  }

  const expectUnavailable = (answer: Answer): void => {
    expect(answer.status, answer.text).toBe(503)
    expect(errorsOf(answer)[0]?.code).toMatch(/^[A-Z_]+$/)
    expect(Number(answer.headers['retry-after']), `Retry-After of ${answer.text}`).toBeGreaterThan(0)
  }

  /** Asks for `ms`; every answer is a 503 that says when to come back, and none hangs. */
  const unavailableFor = async (what: string, ms: number, wants: (() => Promise<Answer>)[]): Promise<void> => {
    const took: number[] = []
    for (const end = Date.now() + ms; Date.now() < end; await sleep(200)) {
      for (const want of wants) {
        const answer = await want()
        expectUnavailable(answer)
        took.push(answer.tookMs)
      }
    }
    expect(took.length).toBeGreaterThan(0)
    const [middle, most] = [median(took), Math.max(...took)].map(Math.round)
    await figure(`503 while ${what}`, { answers: took.length, 'median ms': middle ?? 0, 'most ms': most ?? 0 })
  }

  const healed = (): Promise<void> =>
    until('every part to be healthy again', RECOVERY_MS, async () => {
      const [sick] = await Promise.allSettled([unhealthy()])
      const answers = await Promise.allSettled([wantToken(), wantManifest(), wantProjects()])
      const whole = sick.status === 'fulfilled' && sick.value.length === 0
      return whole && answers.every((asked) => asked.status === 'fulfilled' && asked.value.status === 200)
    })

  /** Everything answered 201 is there, bit for bit, for somebody who asks now. */
  const expectNoDamage = async (): Promise<void> => {
    const fresh = new RegistryClient(suite.url, `Bearer ${await token()}`)
    for (const { repository, tag, digest } of [known, ...kept]) {
      expect((await fresh.pullImage(repository, tag)).digest, tag).toBe(digest)
    }
  }

  /** One event for each push of the load, and not two. */
  const expectEventsOnce = async (load: Load): Promise<void> => {
    const tags = load.acknowledged.map((one) => one.tag)
    const told = await events.settled(tags.length, (one) => tags.includes(one.data.tags?.[0] ?? ''))
    expect(told.map((one) => one.data.tags?.[0]).toSorted()).toEqual(tags.toSorted())
    expect(new Set(told.map((one) => one.id)).size).toBe(tags.length)
  }

  const underLoad = async (name: string, fault: (load: Load) => Promise<void>): Promise<Load> => {
    await healed()
    const load = startLoad(client, REPOSITORY, known, name)
    try {
      await sleep(1000)
      const before = load.take()
      expect(before.failures).toEqual([])
      expect(before.pushes).toBeGreaterThan(0)
      await fault(load)
      await healed()
      load.take()
      await sleep(1500)
      const after = load.take()
      expect(after.failures, 'after the recovery').toEqual([])
      expect(after.pushes).toBeGreaterThan(0)
      expect(after.pulls).toBeGreaterThan(0)
    } finally {
      await load.stop()
      kept.push(...load.acknowledged)
    }
    return load
  }
  const show = (name: string, tally: Tally): Promise<void> => {
    const of = (status: number | 'cut'): number => tally.failures.filter((one) => one.status === status).length
    const failures = { '503': of(503), '502': of(502), cut: of('cut') }
    for (const odd of tally.failures.filter((one) => one.status !== 503)) {
      process.stdout.write(`  ${name}: ${odd.operation} ${odd.status}: ${odd.message}\n`)
    }
    return figure(name, { pushes: tally.pushes, pulls: tally.pulls, ...failures })
  }

  for (const [how, begin] of [
    ['killed', () => holdDown(suite, tools, 'nats')],
    ['frozen', () => freeze(programs(suite, 'nats-server'))],
  ] as const) {
    it(`NATS ${how}: pulls and pushes with tokens in hand go on, tokens are refused with 503, events come once`, async () => {
      const load = await underLoad(`nats-${how}`, async (running) => {
        const end = await begin()
        try {
          running.take()
          await unavailableFor(`NATS is ${how}, tokens`, NATS_AWAY_MS, [wantToken])
          expect(await unhealthy()).toContain('nats')
          const refused = await docker('pull', image)
          expect(refused.code).not.toBe(0)
          expect(refused.output).toContain('503 Service Unavailable')
          const tally = running.take()
          await show(`load while NATS is ${how}`, tally)
          expect(tally.failures).toEqual([])
          expect(tally.pushes).toBeGreaterThan(0)
          expect(tally.pulls).toBeGreaterThan(0)
        } finally {
          await end()
        }
      })
      await expectNoDamage()
      await expectEventsOnce(load)
      const pulled = await docker('pull', image)
      expect(pulled.code, pulled.output).toBe(0)
      await docker('rmi', image)
    })
  }

  for (const [name, wants] of [
    ['core', [wantToken, wantProjects]],
    ['token', [wantToken]],
  ] as const) {
    it(`${name} killed: what needs it says 503, the data plane does not notice, and it comes back by itself`, async () => {
      await underLoad(`${name}-killed`, async (running) => {
        const release = await holdDead(service(suite, name))
        try {
          await sleep(500)
          running.take()
          await unavailableFor(`${name} is dead`, SERVICE_AWAY_MS, [...wants])
          const tally = running.take()
          await show(`load while ${name} is dead`, tally)
          expect(tally.failures).toEqual([])
        } finally {
          await release()
        }
      })
      await expectNoDamage()
    })
  }

  it('registry killed: /v2 says 503, it comes back by itself, and nothing that was answered 201 is lost', async () => {
    const load = await underLoad('registry-killed', async (running) => {
      running.take()
      const release = await holdDead(service(suite, 'registry'))
      try {
        await sleep(500)
        const moment = running.take()
        await unavailableFor('registry is dead', SERVICE_AWAY_MS, [wantManifest])
        const tally = running.take()
        await show('load while registry is dead', tally)
        for (const { status } of moment.failures) expect([502, 503, 'cut']).toContain(status)
        expect(tally.failures.length).toBeGreaterThan(0)
        for (const failure of tally.failures) expect(failure).toMatchObject({ status: 503 })
      } finally {
        await release()
      }
    })
    await expectNoDamage()
    await expectEventsOnce(load)
  })

  for (const [how, begin] of [
    ['killed', () => holdDown(suite, tools, 'postgres')],
    ['frozen', () => freeze(programs(suite, 'postgres'))],
  ] as const) {
    it(`Postgres ${how}: everything that needs it says 503 and nothing hangs, then all is as it was`, async () => {
      const load = await underLoad(`postgres-${how}`, async (running) => {
        const end = await begin()
        try {
          await sleep(1500)
          running.take()
          await unavailableFor(`Postgres is ${how}`, POSTGRES_AWAY_MS, [wantManifest, wantToken, wantProjects])
          expect(await unhealthy()).toContain('database')
          const tally = running.take()
          await show(`load while Postgres is ${how}`, tally)
          expect(tally.failures.length).toBeGreaterThan(0)
          for (const failure of tally.failures) expect(failure).toMatchObject({ status: 503 })
        } finally {
          await end()
        }
      })
      await expectNoDamage()
      await expectEventsOnce(load)
    })
  }
})
