import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMIN_PASSWORD, openSurroundings, type RunningCore, type Surroundings } from '../testing/harness.ts'

let surroundings: Surroundings
let core: RunningCore
const admin = `admin:${ADMIN_PASSWORD}`

beforeAll(async () => {
  surroundings = await openSurroundings()
  core = await surroundings.startCore()
})
afterAll(async () => {
  expect(core?.errors.map(({ fields }) => fields?.err)).toEqual([])
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
    expect(body).toEqual({
      auth_mode: 'db_auth',
      primary_auth_mode: false,
      self_registration: false,
      banner_message: '',
      oidc_provider_name: '',
    })
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
      registry_storage_provider_name: 'filesystem',
      has_ca_root: false,
      read_only: false,
      notification_enable: true,
      current_time: expect.any(String),
    })
  })

  it('is 400 for who has signed in and calls us by what is no host', async () => {
    const headers = { host: 'a b/c', authorization: `Basic ${Buffer.from(admin).toString('base64')}` }
    const [answer] = await once(request(`${core.url}/api/v2.0/systeminfo`, { headers }).end(), 'response')
    answer.resume()
    expect(answer.statusCode).toBe(400)
  })

  it('follows the settings', async () => {
    const banner = '{"message":"down at noon","type":"warning"}'
    await core.set({ banner_message: banner, project_creation_restriction: 'adminonly', notification_enable: false })
    expect((await core.get('/systeminfo')).body).toMatchObject({ banner_message: banner })
    expect((await core.get('/systeminfo', { as: admin })).body).toMatchObject({
      project_creation_restriction: 'adminonly',
      notification_enable: false,
    })
    await core.set({ banner_message: '', project_creation_restriction: 'everyone', notification_enable: true })
  })

  it('has the room of the storage for those who may know, in bytes', async () => {
    expect((await core.get('/systeminfo/volumes')).status).toBe(401)
    const { status, body } = await core.get('/systeminfo/volumes', { as: admin })
    expect([status, body]).toEqual([200, { storage: [{ total: 1_000_000, free: 250_000 }] }])
  })

  it('has a certificate for everybody where there is one, and never the key beside it', async () => {
    expect((await core.get('/systeminfo/getcert')).status).toBe(404)
    const dir = await mkdtemp(join(tmpdir(), 'berth-system-'))
    const BERTH_CORE_CA_FILE = join(dir, 'gateway.pem')
    const pem = (what: string) => `-----BEGIN ${what}-----\nMIIB\n-----END ${what}-----\n`
    await writeFile(BERTH_CORE_CA_FILE, pem('CERTIFICATE') + pem('PRIVATE KEY'))
    const other = await surroundings.startCore({ BERTH_CORE_CA_FILE })
    const { status, headers, text } = await other.get('/systeminfo/getcert')
    expect([status, text]).toEqual([200, pem('CERTIFICATE')])
    expect(headers.get('content-type')).toBe('application/octet-stream')
    expect(headers.get('content-disposition')).toBe('attachment; filename=ca.crt')
    expect((await other.get('/systeminfo', { as: admin })).body).toMatchObject({ has_ca_root: true })
    await other.stop()
    await rm(dir, { recursive: true })
  })
})

describe('what is beside the API for administrators', () => {
  const bob = { username: 'bob', email: 'bob@x.org', realname: 'Bob', password: 'Password1' }

  it('begins to reconcile usage', async () => {
    const before = surroundings.peers.reconciled
    expect((await core.post('/api/internal/syncquota')).status).toBe(401)
    expect((await core.post('/api/internal/syncquota', { as: admin })).status).toBe(200)
    expect(surroundings.peers.reconciled).toBe(before + 1)
  })

  it('renames the admin, once, for the admin alone', async () => {
    const other = await surroundings.startCore()
    await other.post('/users', { as: admin, body: bob })
    const { body } = await other.get('/users?q=username=bob', { as: admin })
    const { user_id: id } = (body as { user_id: number }[])[0] ?? {}
    await other.put(`/users/${id}/sysadmin`, { as: admin, body: { sysadmin_flag: true } })
    expect((await other.post('/api/internal/renameadmin')).status).toBe(401)
    expect((await other.post('/api/internal/renameadmin', { as: 'bob:Password1' })).status).toBe(403)
    expect((await other.post('/api/internal/renameadmin', { as: admin })).status).toBe(200)
    expect((await other.get('/users/current', { as: admin })).status).toBe(401)
    const renamed = `admin@harbor.local:${ADMIN_PASSWORD}`
    expect((await other.get('/users/current', { as: renamed })).body).toMatchObject({
      user_id: 1,
      username: 'admin@harbor.local',
      sysadmin_flag: true,
    })
    expect((await other.post('/api/internal/renameadmin', { as: renamed })).status).toBe(403)
    // Whoever has the name now is anybody.
    const namesake = await other.post('/users', { as: renamed, body: { ...bob, username: 'admin', email: 'a@x.org' } })
    expect(namesake.status).toBe(201)
    expect((await other.get('/users/current', { as: 'admin:Password1' })).body).toMatchObject({ sysadmin_flag: false })
    await other.stop()
  })
})

describe('the API of the suite itself', () => {
  const user = { username: 'ann', email: 'ann@x.org', realname: 'Ann', password: 'Password1' }
  beforeAll(async () => {
    await core.post('/users', { as: admin, body: user })
  })

  it.each([
    ['get', '/api/berth/v1/status'],
    ['get', '/api/berth/v1/logs'],
    ['post', '/api/berth/v1/token/rotate-key'],
  ] as const)('keeps %s %s for administrators', async (method, path) => {
    expect((await core[method](path)).status).toBe(401)
    expect((await core[method](path, { as: 'ann:Password1' })).status).toBe(403)
    expect((await core[method](path, { as: admin })).status).toBe(200)
  })

  it('tells version, health and replicas', async () => {
    const { body } = await core.get('/api/berth/v1/status', { as: admin })
    expect(body).toMatchObject({ version: '0.1.0', status: 'healthy' })
    const { services } = body as { services: { name: string; replicas: number }[] }
    expect(services.map(({ name, replicas }) => [name, replicas])).toEqual(
      ['core', 'gateway', 'log-collector', 'registry', 'token'].map((name) => [name, 1]),
    )
  })

  it('asks for log lines with the token of the person who wants them', async () => {
    const { peers } = surroundings
    peers.searched.length = 0
    peers.issued.length = 0
    const query = 'from=2026-11-01T10:00:00%2B01:00&level=warn&service=core&text=a%20b&request_id=r-1&limit=5&cursor=c'
    const { body } = await core.get(`/api/berth/v1/logs?${query}`, { as: admin })
    expect(body).toMatchObject({ lines: [{ message: 'for admin' }], dropped: { core: 2 } })
    expect(peers.searched).toEqual([
      {
        from: '2026-11-01T09:00:00.000Z',
        level: 'warn',
        service: 'core',
        text: 'a b',
        requestId: 'r-1',
        limit: 5,
        cursor: 'c',
      },
    ])
    expect(peers.issued).toEqual([{ kind: 'user', id: 1, name: 'admin', admin: true, access: [] }])
  })

  it('refuses a search that cannot be', async () => {
    for (const query of ['limit=0', 'limit=1001', 'level=loud', 'from=yesterday']) {
      expect((await core.get(`/api/berth/v1/logs?${query}`, { as: admin })).status).toBe(422)
    }
  })

  it('is 503 while the service it needs is away', async () => {
    await surroundings.peers.silence('log-collector')
    const { status, headers } = await core.get('/api/berth/v1/logs', { as: admin })
    expect([status, headers.get('retry-after')]).toEqual([503, '5'])
    await surroundings.peers.wake('log-collector')
  })

  it('has a new signing key made in the name of the administrator', async () => {
    const { body } = await core.post('/api/berth/v1/token/rotate-key', { as: admin })
    expect(body).toEqual({ kid: 'made for admin' })
  })
})

describe('what a browser finds', () => {
  it('is a first page with the version, the documents and the first push', async () => {
    const { headers, text } = await core.get('/')
    expect(headers.get('content-type')).toContain('text/html')
    for (const part of ['Berth 0.1.0', 'docker push', '/api/v2.0/openapi.json', '/api/berth/v1/openapi.json']) {
      expect(text).toContain(part)
    }
  })

  it('runs nothing that is not ours', async () => {
    for (const path of ['/', '/devcenter-api-2.0', '/api/v2.0/ping']) {
      const { headers } = await core.get(path)
      const policy = headers.get('content-security-policy') ?? ''
      expect(policy).toContain("default-src 'none'")
      expect(policy).toContain("script-src 'self';")
      expect(policy).toContain("frame-ancestors 'none'")
      expect(policy).not.toContain('unsafe')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
    }
  })

  it('is a viewer of both documents, from our own files', async () => {
    const page = await core.get('/devcenter-api-2.0')
    const sources = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, source]) => source ?? '')
    expect(sources.length).toBe(4)
    for (const source of sources) {
      expect(source).toMatch(/^\/devcenter-api-2\.0\//)
      expect((await core.get(source)).status).toBe(200)
    }
    for (const name of ['package.json', '../package.json', '%2e%2e/package.json', 'index.html']) {
      expect((await core.get(`/devcenter-api-2.0/${name}`)).status).toBe(404)
    }
  })

  it('writes the host it was called by as text', async () => {
    const { request } = await import('node:http')
    const text = await new Promise<string>((resolve, reject) => {
      const sent = request(core.url, { headers: { host: '<script>alert(1)</script>' } }, (res) => {
        let body = ''
        res.on('data', (chunk) => (body += chunk)).on('end', () => resolve(body))
      })
      sent.on('error', reject).end()
    })
    expect(text).not.toContain('<script>')
  })

  it('is both documents as they are in force', async () => {
    const harbor = await core.get('/api/v2.0/openapi.json')
    expect(harbor.body).toMatchObject({ openapi: '3.1.0', servers: [{ url: '/api/v2.0' }] })
    const berth = await core.get('/api/berth/v1/openapi.json')
    expect(berth.body).toMatchObject({ openapi: '3.1.0', servers: [{ url: '/api/berth/v1' }] })
  })
})

describe('what is not there', () => {
  it.each([
    '/no-such',
    '/api/v2.0/registries',
    '/api/v2.0/replication/policies',
    '/service/notifications/tasks/1',
    '/api/berth/v1/none',
    '/c/none',
    '/api',
  ])('is 404 in the shape of every error: %s', async (path) => {
    const { status, body, headers } = await core.get(path, { as: admin })
    expect([status, body]).toEqual([404, { errors: [{ code: 'NOT_FOUND', message: 'no such path' }] }])
    expect(headers.get('x-request-id')).toBeTruthy()
  })

  it('is 405 where the path is there and the method is not', async () => {
    const { status, body, headers } = await core.delete('/systeminfo', { as: admin })
    expect([status, body]).toMatchObject([405, { errors: [{ code: 'METHOD_NOT_ALLOWED' }] }])
    expect(headers.get('allow')?.split(', ').sort()).toEqual(['GET'])
  })
})

describe('what other services know of the settings', () => {
  it('is how long a token lives', async () => {
    const { knowBucket } = await import('@berth/messaging')
    const { silentLogger } = await import('@berth/runtime')
    const bus = await surroundings.connect('registry')
    const known = await knowBucket(bus, 'settings', silentLogger)
    await expect.poll(() => known.get('token_expiration_minutes')).toBe(30)
    await bus.close()
  })
})

/** The server and every process of it that serves somebody. */
async function postgresProcesses(): Promise<number[]> {
  const client = new pg.Client({ connectionString: surroundings.postgres.url })
  await client.connect()
  const { rows } = await client.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`,
  )
  await client.end()
  return [surroundings.postgres.pid, ...rows.map(({ pid }) => pid)]
}

describe('without Postgres', () => {
  it('answers 503 at once, stays alive, and recovers by itself', async () => {
    const other = await surroundings.startCore()
    await other.get('/users/current', { as: admin })
    const processes = await postgresProcesses()
    for (const pid of processes) process.kill(pid, 'SIGSTOP')
    try {
      const answer = await other.get('/users/current', { as: admin })
      expect(answer.status).toBe(503)
      expect(answer.headers.get('retry-after')).toBeTruthy()
      expect((await other.get('/ping')).text).toBe('Pong')
      const health = (await other.get('/health')).body as { components: { name: string; status: string }[] }
      expect(health.components.find(({ name }) => name === 'database')?.status).toBe('unhealthy')
      expect((await fetch(`${other.admin}/readyz`)).status).toBe(503)
    } finally {
      for (const pid of processes) process.kill(pid, 'SIGCONT')
    }
    await expect.poll(async () => (await other.get('/users/current', { as: admin })).status).toBe(200)
    await other.stop()
  })
})

describe('with NATS frozen', () => {
  it('goes on with what needs nobody else, says what is not in force, and tells it afterwards', async () => {
    const client = new pg.Client({ connectionString: core.databaseUrl })
    await client.connect()
    const waiting = async () => (await client.query('SELECT count(*)::int AS n FROM core.outbox')).rows[0].n
    const ill = async () => {
      const { components } = (await core.get('/health')).body as { components: { name: string; status: string }[] }
      return components.filter(({ status }) => status === 'unhealthy').map(({ name }) => name)
    }
    await expect.poll(waiting).toBe(0)
    surroundings.nats.kill('SIGSTOP')
    try {
      const [users, created] = await Promise.all([
        core.get('/users', { as: admin }),
        core.post('/projects', { as: admin, body: { project_name: 'cut-off' } }),
      ])
      expect(users.status).toBe(200)
      expect([created.status, created.text]).toEqual([503, expect.stringContaining('saved, not yet in force')])
      expect(created.headers.get('retry-after')).toBe('5')
      // An answer of just before the freeze is good for half a second.
      await expect
        .poll(ill, { timeout: 10_000 })
        .toEqual(['gateway', 'log-collector', 'nats', 'registry', 'storage', 'token'])
      expect(await waiting()).toBe(1)
    } finally {
      surroundings.nats.kill('SIGCONT')
    }
    await expect.poll(waiting, { timeout: 20_000 }).toBe(0)
    await expect
      .poll(async () => (await core.get('/projects/cut-off', { as: admin })).status, { timeout: 20_000 })
      .toBe(200)
    await client.end()
  })
})
