import { createServer } from 'node:net'
import { type Knowledge, knowBucket } from '@berth/messaging'
import { silentLogger } from '@berth/runtime'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ADMIN_PASSWORD, openSurroundings, type RunningCore, type Surroundings } from '../testing/harness.ts'
import { rowOf, SETTING_NAMES } from './table.ts'

let surroundings: Surroundings
let core: RunningCore
let client: pg.Client
let known: Knowledge
const admin = `admin:${ADMIN_PASSWORD}`
const ann = { username: 'ann', email: 'ann@x.org', realname: 'Ann', password: 'Password1' }

beforeAll(async () => {
  surroundings = await openSurroundings()
  core = await surroundings.startCore({ BERTH_EGRESS_ALLOW: '127.0.0.0/8' })
  client = new pg.Client({ connectionString: core.databaseUrl })
  await client.connect()
  known = await knowBucket(await surroundings.connect('log-collector'), 'settings', silentLogger)
})
afterAll(async () => {
  expect(core?.errors.map(({ fields }) => fields?.err)).toEqual([])
  await client?.end()
  await core?.stop()
  await surroundings?.stop()
}, 30_000)

type Shown = Record<string, { value: unknown; editable: boolean }>

const read = async (from = core) => (await from.get('/configurations', { as: admin })).body as Shown
const put = (body: unknown, as: string | undefined = admin, to = core) => to.put('/configurations', { as, body })
const messageOf = (body: unknown) => (body as { errors: { message: string }[] }).errors[0]?.message
const stored = async (key: string) =>
  (await client.query('SELECT value FROM core.settings WHERE key = $1', [key])).rows[0]?.value

describe('the configuration', () => {
  it('is every setting but the secret ones, with what holds and whether it can be changed', async () => {
    const shown = await read()
    const names = SETTING_NAMES.filter((name) => !rowOf(name).secret)
    expect(Object.keys(shown).sort()).toEqual([...names].sort())
    expect(shown.auth_mode).toEqual({ value: 'db_auth', editable: true })
    expect(shown.token_expiration).toEqual({ value: 30, editable: true })
    expect(shown.oidc_extra_redirect_parms).toEqual({ value: '{}', editable: true })
    expect(shown.scan_all_policy).toMatchObject({ type: 'none', parameter: { daily_time: 0 }, editable: true })
  })

  it('is for administrators', async () => {
    await core.post('/users', { as: admin, body: ann })
    for (const [as, status] of [
      [undefined, 401],
      ['ann:Password1', 403],
    ] as const) {
      expect((await core.get('/configurations', { as })).status).toBe(status)
      expect((await core.put('/configurations', { as, body: { read_only: true } })).status).toBe(status)
    }
    expect((await read()).read_only?.value).toBe(false)
  })

  it('changes what is named, and nothing else', async () => {
    const before = await read()
    expect((await put({ banner_message: 'hello', ldap_scope: 1, no_such_setting: 'x' })).status).toBe(200)
    const after = await read()
    expect(after).toEqual({
      ...before,
      banner_message: { value: 'hello', editable: true },
      ldap_scope: { value: 1, editable: true },
    })
    expect(await stored('no_such_setting')).toBeUndefined()
  })

  it('takes a map as a text with JSON in it, and shows it so', async () => {
    expect((await put({ oidc_extra_redirect_parms: '{"prompt": "login"}' })).status).toBe(200)
    expect((await read()).oidc_extra_redirect_parms?.value).toBe('{"prompt":"login"}')
  })

  it.each([
    [{ token_expiration: 0 }, 'token_expiration must be at least 1'],
    [{ session_timeout: 10_000_000_000 }, 'session_timeout must be at most 9999999999'],
    [{ auth_mode: 'uaa_auth' }, 'auth_mode http_auth and uaa_auth come with a later version'],
    [{ skip_audit_log_database: true }, 'skip_audit_log_database needs an audit_log_forward_endpoint'],
    [{ robot_name_prefix: ' ' }, 'robot_name_prefix must not be empty'],
    [{ scan_all_policy: { type: 'daily' } }, 'scanning comes with a later version'],
    [{ token_expiration: 'x' }, 'token_expiration'],
    [{ read_only: null }, 'read_only'],
    [[], ''],
  ])('refuses as a whole what does not fit: %j', async (body, words) => {
    const { status, body: answer } = await put(Array.isArray(body) ? body : { banner_message: 'half', ...body })
    expect([status, messageOf(answer)]).toEqual([400, expect.stringContaining(words)])
    expect((await read()).banner_message?.value).toBe('hello')
  })

  it('keeps the way people sign in once there are people', async () => {
    const { status, body } = await put({ auth_mode: 'ldap_auth' })
    expect([status, messageOf(body)]).toEqual([400, expect.stringContaining('auth_mode cannot be changed any more')])
    expect((await put({ auth_mode: 'db_auth' })).status).toBe(200)
    const empty = await surroundings.startCore()
    expect((await put({ auth_mode: 'oidc_auth', oidc_name: 'ID' }, admin, empty)).status).toBe(200)
    expect((await empty.get('/systeminfo')).body).toMatchObject({ auth_mode: 'oidc_auth', oidc_provider_name: 'ID' })
    await empty.stop()
  })

  it('is for no service to read here', async () => {
    for (const as of [undefined, admin, 'ann:Password1']) {
      expect((await core.get('/internalconfig', { as })).status).toBe(403)
    }
  })

  it('leaves a line in the audit log that names the settings and no value', async () => {
    await put({ ldap_search_password: 'canary-in-audit', ldap_search_dn: 'cn=search' })
    const { rows } = await client.query(
      `SELECT * FROM core.audit_log WHERE resource_type = 'configuration' ORDER BY id DESC LIMIT 1`,
    )
    expect(rows).toMatchObject([{ operation: 'update', description: 'ldap_search_dn, ldap_search_password' }])
    expect(JSON.stringify(rows)).not.toContain('canary')
  })
})

describe('a secret setting', () => {
  it('is sealed in the database, and shown to nobody', async () => {
    await put({ oidc_client_secret: 'canary-at-rest' })
    const value = await stored('oidc_client_secret')
    expect(value).toEqual({ sealed: expect.stringMatching(/^[0-9a-f]{8}\./) })
    const answer = await core.get('/configurations', { as: admin })
    expect(answer.text).not.toContain('canary')
    expect(answer.body).not.toHaveProperty('oidc_client_secret')
    expect(JSON.stringify(core.errors)).not.toContain('canary')
  })

  it('is not closed anew when it is set to what it is', async () => {
    const before = await stored('oidc_client_secret')
    await put({ oidc_client_secret: 'canary-at-rest' })
    expect(await stored('oidc_client_secret')).toEqual(before)
  })

  it('can be taken away', async () => {
    await put({ oidc_client_secret: '' })
    expect(await stored('oidc_client_secret')).toBe('')
  })
})

describe('a change', () => {
  it('is known to other services before the answer', async () => {
    await put({ token_expiration: 7 })
    await expect.poll(() => known.get('token_expiration_minutes'), { timeout: 500 }).toBe(7)
    await put({ pull_count_update_disable: true })
    expect(surroundings.peers.modes.at(-1)).toMatchObject({
      readOnly: false,
      recordPulls: true,
      countPulls: false,
      timePulls: true,
    })
    await put({ pull_time_update_disable: true, pull_audit_log_disable: true })
    expect(surroundings.peers.modes.at(-1)).toMatchObject({ recordPulls: false })
    await put({ pull_count_update_disable: false, pull_time_update_disable: false, pull_audit_log_disable: false })
    expect(surroundings.peers.modes.at(-1)).toMatchObject({ recordPulls: true, countPulls: true, timePulls: true })
  })

  it('of quotas is in force for every project before the answer', async () => {
    await put({ quota_per_project_enable: false })
    expect(surroundings.peers.modes.at(-1)).toMatchObject({ enforceQuotas: false })
    await put({ quota_per_project_enable: true })
    expect(surroundings.peers.modes.at(-1)).toMatchObject({ enforceQuotas: true })
  })

  it('is saved and said not to be in force while the registry is away, and told once it is back', async () => {
    await surroundings.peers.silence('registry')
    const { status, text, headers } = await put({ read_only: true })
    expect([status, text]).toEqual([503, expect.stringContaining('saved, not yet in force')])
    expect(headers.get('retry-after')).toBeTruthy()
    expect((await put({ banner_message: 'nobody else minds' })).status).toBe(503)
    await surroundings.peers.wake('registry')
    await expect.poll(() => surroundings.peers.modes.at(-1)?.readOnly, { timeout: 10_000 }).toBe(true)
    expect((await put({ read_only: false })).status).toBe(200)
    expect(surroundings.peers.modes.at(-1)?.readOnly).toBe(false)
  })

  it('reaches another replica', async () => {
    const other = await surroundings.startCore({ DATABASE_URL: core.databaseUrl })
    await put({ banner_message: 'for all' })
    await expect.poll(async () => (await read(other)).banner_message?.value, { timeout: 5_000 }).toBe('for all')
    await put({ banner_message: 'back' }, admin, other)
    await expect.poll(async () => (await read()).banner_message?.value, { timeout: 5_000 }).toBe('back')
    await other.stop()
  })

  it('is in force before the answer, whichever replica made the change before', async () => {
    const other = await surroundings.startCore({ DATABASE_URL: core.databaseUrl })
    await expect.poll(() => surroundings.peers.modes.at(-1)?.readOnly).toBe(false)
    for (let round = 0; round < 3; round++) {
      await put({ read_only: true })
      expect(surroundings.peers.modes.at(-1)?.readOnly).toBe(true)
      await put({ read_only: false }, admin, other)
      expect(surroundings.peers.modes.at(-1)?.readOnly).toBe(false)
    }
    await other.stop()
  })

  it('is told although the registry has heard of later ones, as when a copy of our tables was put back', async () => {
    await client.query('UPDATE core.setting_revision SET revision = 1')
    const again = await surroundings.startCore({ DATABASE_URL: core.databaseUrl })
    await put({ pull_time_update_disable: true }, admin, again)
    await expect.poll(() => surroundings.peers.modes.at(-1)?.timePulls, { timeout: 5_000 }).toBe(false)
    await put({ pull_time_update_disable: false }, admin, again)
    expect(surroundings.peers.modes.at(-1)?.timePulls).toBe(true)
    await again.stop()
  })
})

describe('the syslog endpoint', () => {
  it('must take a connection when it is saved', async () => {
    const server = createServer((socket) => socket.end())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    expect((await put({ audit_log_forward_endpoint: `127.0.0.1:${port}` })).status).toBe(200)
    await expect.poll(() => known.get('audit_log_forward_endpoint')).toBe(`127.0.0.1:${port}`)
    await new Promise((resolve) => server.close(resolve))
    const refused = await put({ audit_log_forward_endpoint: `tcp://127.0.0.1:${port}` })
    expect([refused.status, messageOf(refused.body)]).toEqual([400, expect.stringContaining('refuses connections')])
    expect((await put({ audit_log_forward_endpoint: 'no port' })).status).toBe(400)
    // What is saved already is not tried again.
    expect((await put({ audit_log_forward_endpoint: `127.0.0.1:${port}`, skip_audit_log_database: true })).status).toBe(
      200,
    )
    const lonely = await put({ audit_log_forward_endpoint: '' })
    expect([lonely.status, messageOf(lonely.body)]).toEqual([400, expect.stringContaining('skip_audit_log_database')])
    expect((await put({ audit_log_forward_endpoint: '', skip_audit_log_database: false })).status).toBe(200)
  })

  it('is dialled only where connections may go', async () => {
    const guarded = await surroundings.startCore()
    for (const endpoint of ['127.0.0.1:514', '169.254.169.254:80', '[::1]:514', 'localhost:514']) {
      const { status, body } = await put({ audit_log_forward_endpoint: endpoint }, admin, guarded)
      expect([status, messageOf(body)]).toEqual([400, expect.stringContaining('not allowed')])
    }
    await guarded.stop()
  })
})

describe('read-only mode', () => {
  afterEach(() => put({ read_only: false }))

  it('refuses every change but that of the configuration, and no reading', async () => {
    expect((await put({ read_only: true })).status).toBe(200)
    const denied = [403, { errors: [{ code: 'DENIED', message: expect.stringContaining('read only mode') }] }]
    const changes = [
      core.post('/projects', { as: admin, body: { project_name: 'new' } }),
      core.put('/projects/1', { as: admin, body: { metadata: { public: 'false' } } }),
      core.delete('/projects/1', { as: admin }),
      core.post('/users', { as: admin, body: { ...ann, username: 'bob', email: 'bob@x.org' } }),
      core.post('/api/berth/v1/token/rotate-key', { as: admin }),
      core.post('/api/internal/syncquota', { as: admin }),
      core.post('/projects', { body: { project_name: 'new' } }),
    ]
    for (const { status, body } of await Promise.all(changes)) expect([status, body]).toEqual(denied)
    expect((await core.get('/projects', { as: admin })).status).toBe(200)
    expect((await core.head('/projects?project_name=library', { as: admin })).status).toBe(200)
    expect((await core.get('/systeminfo', { as: admin })).body).toMatchObject({ read_only: true })
    await expect.poll(() => known.get('read_only')).toBe(true)
    expect((await put({ read_only: false })).status).toBe(200)
    expect((await core.post('/projects', { as: admin, body: { project_name: 'new' } })).status).toBe(201)
  })

  it('lets people sign in and out', async () => {
    await put({ read_only: true })
    const first = await core.get('/systeminfo')
    const cookie = first.headers
      .getSetCookie()
      .map((one) => one.split(';')[0])
      .join('; ')
    const headers = { cookie, 'X-Harbor-CSRF-Token': first.headers.get('x-harbor-csrf-token') ?? '' }
    const body = new URLSearchParams({ principal: 'admin', password: ADMIN_PASSWORD })
    expect((await core.post('/c/login', { headers, body })).status).toBe(200)
  })
})
