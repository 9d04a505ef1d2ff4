import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { ask, codesOf, openTrial, type Trial, until } from './trial/index.ts'

const open: { close(): unknown; closeAllConnections?(): void }[] = []
afterEach(() => {
  for (const server of open.splice(0)) {
    server.closeAllConnections?.()
    server.close()
  }
})

/** The private door of a replica, ready or not. */
async function openReadiness(): Promise<{ url: string; ready: boolean }> {
  const readiness = { url: '', ready: true }
  const server: Server = createServer((_req, res) => res.writeHead(readiness.ready ? 200 : 503).end())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  open.push(server)
  readiness.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/readyz`
  return readiness
}

const statesOf = ({ gateway }: Trial) => gateway.pools.registry.upstreams.map(({ state }) => state)
const answersOf = async ({ url }: Trial) => {
  const names = new Set<string>()
  for (let i = 0; i < 6; i++) names.add((await ask(`${url}/v2/`)).body)
  return [...names]
}

describe('health checks', () => {
  it('take a replica out while it is not ready, and bring it back', async () => {
    const readiness = [await openReadiness(), await openReadiness()]
    const env = { BERTH_GATEWAY_REGISTRY_HEALTH_URLS: readiness.map(({ url }) => url).join(',') }
    const trial = await openTrial({ replicas: 2, env })
    await until(() => expect(statesOf(trial)).toEqual(['ready', 'ready']))
    expect((await answersOf(trial)).toSorted()).toEqual(['registry-0', 'registry-1'])
    readiness[0]!.ready = false
    await until(() => expect(statesOf(trial)).toEqual(['unready', 'ready']))
    expect(await answersOf(trial)).toEqual(['registry-1'])
    readiness[0]!.ready = true
    await until(() => expect(statesOf(trial)).toEqual(['ready', 'ready']))
    expect((await answersOf(trial)).toSorted()).toEqual(['registry-0', 'registry-1'])
  })

  it('leave a service its own words when no replica of it is ready', async () => {
    const readiness = await openReadiness()
    readiness.ready = false
    const trial = await openTrial({ env: { BERTH_GATEWAY_CORE_HEALTH_URLS: readiness.url } })
    await until(() => expect(trial.gateway.pools.core.upstreams[0]?.state).toBe('unready'))
    expect((await ask(`${trial.url}/api/v2.0/health`)).body).toBe('core-0')
  })

  it('find out who takes connections and never answers, so that nobody waits for it', async () => {
    const frozen = createTcpServer(() => undefined).listen(0, '127.0.0.1')
    await once(frozen, 'listening')
    open.push(frozen)
    const { port } = frozen.address() as AddressInfo
    const trial = await openTrial({ env: { BERTH_GATEWAY_TOKEN_HEALTH_URLS: `http://127.0.0.1:${port}/readyz` } })
    await until(() => expect(trial.gateway.pools.token.upstreams[0]?.state).toBe('silent'))
    const answer = await ask(`${trial.url}/service/token`)
    expect([answer.status, codesOf(answer), answer.headers['retry-after']]).toEqual([503, ['UNAVAILABLE'], '5'])
  })
})

describe('the health of the suite', () => {
  const HEALTH = '/api/v2.0/health'
  const partsOf = (body: string) => {
    const { status, components } = JSON.parse(body) as {
      status: string
      components: { name: string; status: string }[]
    }
    return {
      status,
      healthy: components.filter((part) => part.status === 'healthy').map(({ name }) => name),
      components,
    }
  }

  it('is what core says', async () => {
    const trial = await openTrial()
    const answer = await ask(`${trial.url}${HEALTH}`)
    expect([answer.status, answer.body]).toEqual([200, 'core-0'])
    expect(answer.headers['x-request-id']).toBeDefined()
  })

  it('is told without core when that is gone: 200, and what is not known is not healthy', async () => {
    const trial = await openTrial()
    await until(() => expect(statesOf(trial)).toEqual(['ready']))
    await until(() => expect(trial.gateway.pools.token.upstreams[0]?.state).toBe('ready'))
    await trial.core[0]?.kill()
    const answer = await ask(`${trial.url}${HEALTH}`)
    expect(answer.status).toBe(200)
    const { status, healthy, components } = partsOf(answer.body)
    expect([status, healthy]).toEqual(['unhealthy', ['gateway', 'registry', 'token']])
    expect(components.map(({ name }) => name)).toEqual([
      'core',
      'database',
      'gateway',
      'log-collector',
      'nats',
      'registry',
      'storage',
      'token',
    ])
  })

  it('is answered although core takes the question and says nothing', async () => {
    const frozen = createTcpServer(() => undefined).listen(0, '127.0.0.1')
    await once(frozen, 'listening')
    open.push(frozen)
    const { port } = frozen.address() as AddressInfo
    const trial = await openTrial({ env: { BERTH_GATEWAY_CORE_URLS: `http://127.0.0.1:${port}` } })
    const answer = await ask(`${trial.url}${HEALTH}`)
    expect([answer.status, partsOf(answer.body).status]).toEqual([200, 'unhealthy'])
  })
})
