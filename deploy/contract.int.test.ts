import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type RunningSuite, refusedSuite, startSuite, type TempDir, tempDir } from '@berth/testkit'
import { connect, type NatsConnection } from 'nats'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

interface Health {
  status: string
  components: { name: string; status: string }[]
}

const json = async <T>(answer: Promise<Response>): Promise<T> => (await (await answer).json()) as T
const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8)

describe('a fresh suite', () => {
  let suite: RunningSuite
  let nats: NatsConnection
  beforeAll(async () => {
    suite = await startSuite({ env: { BERTH_LOG_LEVL: '1' } })
    const { nats: where } = await suite.file()
    const operator = JSON.parse(await readFile(where.credentials as string, 'utf8'))
    nats = await connect({
      servers: where.url,
      user: operator.user,
      pass: operator.pass,
      inboxPrefix: '_INBOX_operator',
    })
  })
  afterAll(async () => {
    await nats?.close()
    await suite?.stop()
  })

  it('says last and without prefix that it is ready, and everything is healthy then', async () => {
    expect(suite.stdout).toContain(`Berth is ready at ${suite.url}`)
    const { status, components } = await json<Health>(suite.api('/api/v2.0/health', { as: null }))
    expect(status).toBe('healthy')
    expect(components.map((each) => each.name).toSorted()).toEqual([
      'core',
      'database',
      'gateway',
      'log-collector',
      'nats',
      'registry',
      'storage',
      'token',
    ])
    expect(components.every((each) => each.status === 'healthy')).toBe(true)
  })

  it('answers whoever brings a very long token in the words of the API, whatever they ask for', async () => {
    const authorization = `Bearer ${'x'.repeat(60_000)}`
    for (const path of ['/v2/library/app/tags/list', '/api/v2.0/projects', '/service/token', '/elsewhere']) {
      const answered = await fetch(`${suite.url}${path}`, { headers: { authorization } })
      expect([path, answered.status < 500 && answered.status !== 431]).toEqual([path, true])
      if (!answered.ok) expect(await answered.json()).toMatchObject({ errors: [{ code: expect.any(String) }] })
    }
  })

  it('warns once of a setting nobody knows and names the nearest', () => {
    const warnings = suite.stderr.filter((line) => line.includes('BERTH_LOG_LEVL'))
    expect(warnings).toEqual([expect.stringMatching(/^berth: warning: .*; the nearest known one is BERTH_LOG_LEVEL$/)])
  })

  it('keeps its secrets where only their owner reads them', async () => {
    for (const file of ['admin-password', 'secret-key', 'suite.json', 'nats/operator.json']) {
      expect([file, await modeOf(join(suite.data, file))]).toEqual([file, '600'])
    }
  })

  it('says in suite.json what runs where', async () => {
    const file = await suite.file()
    expect(file).toMatchObject({ version: '0.1.0', url: suite.url, pid: suite.pid })
    expect(file.processes.map((each) => each.service).toSorted()).toEqual([
      'core',
      'gateway',
      'log-collector',
      'registry',
      'token',
    ])
    for (const { pid, admin } of file.processes) {
      expect(() => process.kill(pid, 0)).not.toThrow()
      expect((await fetch(`${admin}/healthz`)).status).toBe(200)
      expect((await fetch(`${admin}/readyz`)).status).toBe(200)
      expect(await (await fetch(`${admin}/metrics`)).text()).toContain('process_cpu_seconds_total')
    }
  })

  it('answers ping, both documents, their page and a first page', async () => {
    expect(await (await suite.api('/api/v2.0/ping', { as: null })).text()).toBe('Pong')
    for (const path of ['/api/v2.0/openapi.json', '/api/berth/v1/openapi.json']) {
      const { openapi } = await json<{ openapi: string }>(suite.api(path, { as: null }))
      expect(openapi).toMatch(/^3\.1/)
    }
    expect(await (await suite.api('/devcenter-api-2.0', { as: null })).text()).toContain('swagger')
    const page = await (await suite.api('/', { as: null })).text()
    expect(page).toContain('/api/v2.0/openapi.json')
    expect(page).toContain('docker push')
  })

  it('has the admin, the project library, and nothing else', async () => {
    const admin = await (await suite.api('/api/v2.0/users/current')).json()
    expect(admin).toMatchObject({ user_id: 1, username: 'admin', sysadmin_flag: true })
    expect(await (await suite.api('/api/v2.0/users')).json()).toHaveLength(1)
    const projects = await json<object[]>(suite.api('/api/v2.0/projects'))
    expect(projects).toHaveLength(1)
    expect(projects[0]).toMatchObject({ project_id: 1, name: 'library', metadata: { public: 'true' } })
    expect(await json<object[]>(suite.api('/api/v2.0/robots'))).toEqual([])
    const members = await json<object[]>(suite.api('/api/v2.0/projects/library/members'))
    expect(members).toMatchObject([{ entity_name: 'admin', role_id: 1 }])
  })

  it('gives the next user the id 3', async () => {
    const body = { username: 'jo', email: 'jo@example.com', realname: 'Jo', password: 'Berth-12345' }
    const created = await suite.api('/api/v2.0/users', { method: 'POST', body: JSON.stringify(body) })
    expect(created.status).toBe(201)
    expect(created.headers.get('location')).toBe('/api/v2.0/users/3')
  })

  it('has the roles 1 to 5 and no other', async () => {
    const members = '/api/v2.0/projects/library/members'
    const as = (method: string, path: string, body: object) => suite.api(path, { method, body: JSON.stringify(body) })
    const created = await as('POST', members, { role_id: 1, member_user: { username: 'jo' } })
    expect(created.status).toBe(201)
    const member = created.headers.get('location') as string
    for (const role_id of [2, 3, 4, 5, 1]) expect((await as('PUT', member, { role_id })).status).toBe(200)
    for (const role_id of [0, 6]) expect((await as('PUT', member, { role_id })).status).toBe(400)
  })

  it('lets the operator discover every service and ask what reads', async () => {
    const names = new Set<string>()
    const inbox = '_INBOX_operator.discover'
    const answers = nats.subscribe(inbox)
    nats.publish('$SRV.PING', undefined, { reply: inbox })
    setTimeout(() => answers.unsubscribe(), 500)
    for await (const message of answers) {
      const { name, version } = message.json<{ name: string; version: string }>()
      expect(version).toBe('0.1.0')
      names.add(name)
    }
    expect([...names].toSorted()).toEqual(['core', 'gateway', 'log-collector', 'registry', 'token'])
    const answer = await nats.request('svc.token.v1.key.list', '{}', { timeout: 3_000 })
    expect(answer.json<{ keys: unknown[] }>().keys.length).toBeGreaterThan(0)
  })

  it('removes the file of the generated password once that password is changed', async () => {
    const change = { old_password: suite.adminPassword, new_password: 'Another-1-Password' }
    const changed = await suite.api('/api/v2.0/users/1/password', { method: 'PUT', body: JSON.stringify(change) })
    expect(changed.status).toBe(200)
    await expect(stat(join(suite.data, 'admin-password'))).rejects.toThrow('ENOENT')
    expect((await suite.api('/api/v2.0/users/current')).status).toBe(401)
    const again = await suite.api('/api/v2.0/users/current', { as: 'admin:Another-1-Password' })
    expect(again.status).toBe(200)
  })

  it('refuses a second suite on the same data with 4', async () => {
    const { code, stderr } = await refusedSuite({ data: suite.data })
    expect(code).toBe(4)
    expect(stderr.filter((line) => line.startsWith('berth: '))).toHaveLength(1)
  })

  it('refuses to share its port with 3', async () => {
    const { code, stderr } = await refusedSuite({ env: { BERTH_HTTP_PORT: new URL(suite.url).port } })
    expect(code).toBe(3)
    expect(stderr.join('\n')).toContain('BERTH_HTTP_PORT')
  })

  it('stops with 0 when asked to', async () => {
    expect(await suite.stop()).toBe(0)
  })
})

describe('a start that is refused', () => {
  let dir: TempDir
  beforeAll(async () => {
    dir = await tempDir('refused')
  })
  afterAll(() => dir.remove())

  it.each([
    ['a port that is none', { BERTH_HTTP_PORT: 'eighty' }, 'BERTH_HTTP_PORT'],
    ['a secret key from an example', { BERTH_SECRET_KEY: 'not-a-secure-key' }, 'BERTH_SECRET_KEY'],
    ['a weak first password', { BERTH_ADMIN_PASSWORD: 'password' }, 'BERTH_ADMIN_PASSWORD'],
    ['a setting of something not here yet', { MAX_JOB_WORKERS: '5' }, 'MAX_JOB_WORKERS'],
    ['a storage that is not told where', { BERTH_STORAGE: 's3' }, 'BERTH_S3_BUCKET'],
    ['an unknown algorithm', { BERTH_TOKEN_ALG: 'HS256' }, 'BERTH_TOKEN_ALG'],
    ['a scale of something that is no service', { BERTH_SCALE: 'redis=2' }, 'BERTH_SCALE'],
  ])('ends with 2 and one line for %s', async (_name, env, setting) => {
    const { code, stderr } = await refusedSuite({ env })
    expect(code).toBe(2)
    expect(stderr.filter((line) => line.startsWith('berth: '))).toHaveLength(1)
    expect(stderr.join('\n')).toContain(setting)
  })

  it('ends with 4 for a directory that belongs to something else', async () => {
    const foreign = join(dir.path, 'photos')
    await mkdir(foreign)
    await writeFile(join(foreign, 'holiday.jpg'), 'x')
    const { code, stderr } = await refusedSuite({ data: foreign })
    expect(code).toBe(4)
    expect(stderr.join('\n')).toContain(foreign)
  })

  it('ends with 5 for a NATS that is too old', async () => {
    const old = createServer((socket) =>
      socket.write('INFO {"server_id":"x","version":"2.9.10","proto":1,"max_payload":1048576}\r\n'),
    )
    await new Promise<void>((resolve) => old.listen(0, '127.0.0.1', resolve))
    const { port } = old.address() as { port: number }
    const { code, stderr } = await refusedSuite({ env: { NATS_URL: `nats://127.0.0.1:${port}` } })
    old.close()
    expect(code).toBe(5)
    expect(stderr.join('\n')).toContain('2.12')
  })
})
