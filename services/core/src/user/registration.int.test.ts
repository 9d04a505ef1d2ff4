import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMIN_PASSWORD, openSurroundings, type RunningCore, type Surroundings } from '../testing/harness.ts'
import { person } from '../testing/person.ts'
import { query } from '../testing/query.ts'

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
}, 30_000)

/** What a browser sends in which nobody has signed in. */
async function browser(): Promise<Record<string, string>> {
  const { headers } = await core.get('/systeminfo')
  return {
    cookie: (headers.getSetCookie()[0] ?? '').split(';')[0] ?? '',
    'X-Harbor-CSRF-Token': headers.get('x-harbor-csrf-token') ?? '',
  }
}

describe('registering oneself', () => {
  it('is for nobody unless it is allowed', async () => {
    const headers = await browser()
    expect((await core.post('/users', { body: person('eve'), headers })).status).toBe(401)
    expect((await core.post('/users', { body: person('eve') })).status).toBe(401)
  })

  describe('where it is allowed', () => {
    beforeAll(() => core.set({ self_registration: true }))
    afterAll(() => core.set({ self_registration: false }))

    it('is done in a browser, and makes nobody an administrator', async () => {
      const flags = { sysadmin_flag: true, has_admin_role: true, user_id: 1 }
      const made = await core.post('/users', { body: person('ann', flags), headers: await browser() })
      expect(made.status, made.text).toBe(201)
      expect((await core.get('/users/current', { as: 'ann:Password1' })).body).toMatchObject({
        username: 'ann',
        sysadmin_flag: false,
        admin_role_in_auth: false,
      })
      const [row] = await query(
        core,
        `SELECT username, operation, resource, description FROM core.audit_log WHERE resource = 'ann'`,
      )
      expect(row).toEqual({
        username: 'ann',
        operation: 'create',
        resource: 'ann',
        description: 'registered themselves',
      })
    })

    it('is not done by programs, or with a token that is not the browser’s', async () => {
      const refused = await core.post('/users', { body: person('eve') })
      expect([refused.status, refused.text]).toEqual([403, expect.stringContaining('self-registration')])
      expect((await core.post('/users', { as: 'ann:Password1', body: person('eve') })).status).toBe(403)
      const { cookie = '' } = await browser()
      const forged = { cookie, 'X-Harbor-CSRF-Token': 'made-up' }
      expect((await core.post('/users', { body: person('eve'), headers: forged })).status).toBe(403)
    })

    it('needs a name and address nobody has, and keeps the rules', async () => {
      const headers = await browser()
      const post = async (body: object) => (await core.post('/users', { body, headers })).status
      expect(await post(person('admin', { email: 'new@x.org' }))).toBe(409)
      expect(await post(person('anonymous'))).toBe(409)
      expect(await post(person('weak', { password: 'weak' }))).toBe(400)
    })

    it('is refused while people sign in elsewhere', async () => {
      await core.set({ auth_mode: 'ldap_auth' })
      expect((await core.post('/users', { body: person('eve'), headers: await browser() })).status).toBe(403)
      await core.set({ auth_mode: 'db_auth' })
    })
  })
})

describe('asking whether a name is taken', () => {
  const ask = async (target: string, value: string, as?: string) =>
    core.post('/c/userExists', { as, body: new URLSearchParams({ target, value }), headers: await browser() })

  it('is for administrators, and for everybody where people register themselves', async () => {
    expect((await ask('username', 'admin')).status).toBe(412)
    expect((await ask('username', 'admin', admin)).body).toBe(true)
    await core.set({ self_registration: true })
    expect((await ask('username', 'admin')).body).toBe(true)
    expect((await ask('username', 'anonymous')).body).toBe(true)
    expect((await ask('username', 'nobody')).body).toBe(false)
    expect((await ask('email', 'admin@example.com')).body).toBe(true)
    expect((await ask('email', 'admin')).body).toBe(false)
    expect((await ask('password_hash', 'x')).status).toBe(400)
    expect((await ask('username', '')).status).toBe(400)
    await core.set({ self_registration: false })
  })

  it('needs the token of the browser, as everything below /c does', async () => {
    const body = new URLSearchParams({ target: 'username', value: 'admin' })
    expect((await core.post('/c/userExists', { as: admin, body })).status).toBe(403)
  })
})
