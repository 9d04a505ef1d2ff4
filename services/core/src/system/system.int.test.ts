import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMIN_PASSWORD, openSurroundings, type RunningCore, type Surroundings } from '../harness.ts'

let surroundings: Surroundings
let core: RunningCore
const admin = `admin:${ADMIN_PASSWORD}`

beforeAll(async () => {
  surroundings = await openSurroundings()
  core = await surroundings.startCore()
})
afterAll(async () => {
  for (const { fields } of core?.errors ?? []) console.error(fields?.err)
  await core?.stop()
  await surroundings?.stop()
})

describe('a fresh suite', () => {
  it('has the admin, the public project library, and nothing else', async () => {
    const users = await core.get('/users', { as: admin })
    expect(users.body).toMatchObject([{ user_id: 1, username: 'admin', sysadmin_flag: true }])
    const projects = await core.get('/projects', { as: admin })
    expect(projects.body).toMatchObject([
      { project_id: 1, name: 'library', owner_name: 'admin', metadata: { public: 'true' }, repo_count: 0 },
    ])
  })

  it('answers Pong and the version of the API to anybody, whatever they sign in with', async () => {
    const ping = await core.get('/ping', { as: 'admin:wrong' })
    expect([ping.status, ping.text]).toEqual([200, 'Pong'])
    expect((await core.get('/api/version')).body).toEqual({ version: 'v2.0' })
  })

  it('keeps or makes a request id', async () => {
    const kept = await core.get('/ping', { headers: { 'x-request-id': 'mine-1' } })
    expect(kept.headers.get('x-request-id')).toBe('mine-1')
    const made = await core.get('/ping')
    expect(made.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
  })
})

describe('health', () => {
  const NAMES = ['core', 'database', 'gateway', 'log-collector', 'nats', 'registry', 'storage', 'token']

  it('is healthy when every part is, and names exactly those that run', async () => {
    const { status, body } = await core.get('/health')
    expect(status).toBe(200)
    expect(body).toEqual({ status: 'healthy', components: NAMES.map((name) => ({ name, status: 'healthy' })) })
  })

  it('is 200 and says which part cannot be reached', async () => {
    await surroundings.peers.silence('registry')
    try {
      await new Promise((resolve) => setTimeout(resolve, 600))
      const { status, body } = await core.get('/health')
      expect(status).toBe(200)
      const { components, ...rest } = body as { status: string; components: { name: string; status: string }[] }
      expect(rest).toEqual({ status: 'unhealthy' })
      expect(components.map(({ name }) => name)).toEqual(NAMES)
      const ill = components.filter((component) => component.status === 'unhealthy').map(({ name }) => name)
      expect(ill).toEqual(['registry', 'storage'])
    } finally {
      await surroundings.peers.wake('registry')
    }
  })
})

describe('system information', () => {
  it('tells strangers how to sign in and no more', async () => {
    const { body } = await core.get('/systeminfo')
    expect(body).toEqual({ auth_mode: 'db_auth', primary_auth_mode: false, self_registration: false })
  })

  it('tells who has signed in the versions and the address', async () => {
    const headers = { 'x-forwarded-proto': 'https' }
    const { body } = await core.get('/systeminfo', { as: admin, headers })
    expect(body).toMatchObject({
      harbor_version: expect.stringMatching(/^v2\.15\.0-[0-9a-f]{8}$/),
      berth_version: '0.1.0',
      external_url: core.url.replace('http:', 'https:'),
      registry_url: core.url.replace('http://', ''),
      project_creation_restriction: 'everyone',
    })
  })
})
