import { Agent } from 'node:http'
import { describe, expect, it } from 'vitest'
import { ask, codesOf, openTrial, type Service, type Trial, until } from './trial/index.ts'

/** Takes requests and dies before it answers. */
const dying = (service: Service | undefined): void => service?.answer((req) => void req.socket.destroy())

const seenBy = (services: Service[]) => services.map(({ seen }) => seen.length)
const statesOf = ({ gateway }: Trial) => gateway.pools.registry.upstreams.map(({ state }) => state)
const allReady = (trial: Trial) => until(() => expect(new Set(statesOf(trial))).toEqual(new Set(['ready'])))

describe('a read whose service dies before it answers', () => {
  it('is asked of another replica', async () => {
    const trial = await openTrial({ replicas: 2 })
    await allReady(trial)
    dying(trial.registry[0])
    for (let i = 0; i < 6; i++) expect((await ask(`${trial.url}/v2/`)).body).toBe('registry-1')
    const metrics = await trial.metrics()
    expect(metrics).toContain('berth_gateway_retries_total{route="registry",service="gateway"} 6')
    expect(metrics).toContain('berth_gateway_upstreams{route="registry",state="ready",service="gateway"} 2')
  })

  it('is asked once more, not for ever', async () => {
    const trial = await openTrial({ replicas: 3 })
    for (const service of trial.registry) dying(service)
    const answer = await ask(`${trial.url}/v2/`)
    expect([answer.status, codesOf(answer), answer.headers['retry-after']]).toEqual([502, ['BAD_GATEWAY'], '5'])
    await until(() => expect(trial.lines.find(({ message }) => message === 'request')?.fields.attempts).toBe(2))
  })

  it('goes through where an old connection was the trouble', async () => {
    const trial = await openTrial()
    const [registry] = trial.registry
    const agent = new Agent({ keepAlive: true })
    let first = true
    for (let i = 0; i < 5; i++) {
      expect((await ask(`${trial.url}/v2/`, { agent })).status).toBe(200)
      registry?.answer((req, res) => {
        if (first) req.socket.destroy()
        else res.end('again')
        first = !first
      })
    }
    agent.destroy()
  })
})

describe('a write whose service dies before it answers', () => {
  it('is not done twice', async () => {
    const trial = await openTrial({ replicas: 2 })
    await allReady(trial)
    let taken = 0
    for (const service of trial.registry) {
      service.answer((req) => {
        taken++
        req.socket.destroy()
      })
    }
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      const answer = await ask(`${trial.url}/v2/x`, { method, body: method === 'DELETE' ? undefined : 'x' })
      expect([method, answer.status, codesOf(answer)]).toEqual([method, 502, ['BAD_GATEWAY']])
    }
    expect(taken).toBe(4)
  })
})

describe('a replica nobody listens at', () => {
  it('costs no request, not even one with a body', async () => {
    const trial = await openTrial({ replicas: 2 })
    await allReady(trial)
    await trial.registry[0]?.kill()
    const body = Buffer.alloc(3_000_000, 'x')
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        ask(`${trial.url}/v2/x`, i % 2 === 0 ? {} : { method: 'PUT', body, headers: { expect: '100-continue' } }),
      ),
    )
    expect(answers.map(({ status, body: said }) => `${status} ${said}`)).toEqual(Array(10).fill('200 registry-1'))
    const sizes = trial.registry[1]?.seen.map((seen) => seen.body.length).filter((length) => length > 0)
    expect(sizes).toEqual(Array(5).fill(body.length))
  })

  it('gets requests again when it is back', async () => {
    const trial = await openTrial({ replicas: 2 })
    await allReady(trial)
    await trial.registry[0]?.kill()
    await ask(`${trial.url}/v2/`)
    await ask(`${trial.url}/v2/`)
    expect(statesOf(trial)[0]).toBe('refusing')
    await trial.registry[0]?.revive()
    await allReady(trial)
    for (let i = 0; i < 4; i++) await ask(`${trial.url}/v2/`)
    expect(seenBy(trial.registry)[0]).toBeGreaterThan(0)
  })

  it('and is the only one is said to be away, until it is back', async () => {
    const trial = await openTrial()
    const [core] = trial.core
    await core?.kill()
    const answer = await ask(`${trial.url}/api/v2.0/projects`)
    expect([answer.status, codesOf(answer), answer.headers['retry-after']]).toEqual([503, ['UNAVAILABLE'], '5'])
    expect(answer.body).not.toContain('127.0.0.1')
    expect((await ask(`${trial.url}/v2/`)).status).toBe(200)
    await core?.revive()
    expect((await ask(`${trial.url}/api/v2.0/projects`)).status).toBe(200)
  })
})

describe('an upload session', () => {
  it('stays on one replica, moves when that goes, and others stay where they are', async () => {
    const trial = await openTrial({ replicas: 3 })
    await allReady(trial)
    const sessions = Array.from({ length: 12 }, (_, i) => `session-${i}`)
    const whereIs = async (session: string, method: string) =>
      (await ask(`${trial.url}/v2/a/b/blobs/uploads/${session}`, { method, body: 'x' })).body
    const homes = new Map<string, string>()
    for (const session of sessions) {
      const home = await whereIs(session, 'PATCH')
      homes.set(session, home)
      expect(await whereIs(session, 'PATCH')).toBe(home)
      expect(await whereIs(session, 'PUT')).toBe(home)
    }
    expect(new Set(homes.values()).size).toBeGreaterThan(1)
    const gone = homes.get(sessions[0] as string)
    await trial.registry.find(({ name }) => name === gone)?.kill()
    for (const session of sessions) {
      const now = await whereIs(session, 'PATCH')
      expect(now).not.toBe(gone)
      if (homes.get(session) !== gone) expect(now).toBe(homes.get(session))
    }
  })
})
