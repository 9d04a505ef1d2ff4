import { openHeadlessBrowser, startIdentityProvider } from '@berth/testkit'
import { accessGrant } from '@berth/types'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ADMIN_PASSWORD } from '../testing/harness.ts'
import { ADMIN, LOOPBACK, type OidcWorld, openOidcWorld } from '../testing/oidc-world.ts'

let world: OidcWorld
let surroundings: OidcWorld['surroundings']
let core: OidcWorld['core']
let idp: OidcWorld['idp']
let sql: OidcWorld['sql']

beforeAll(async () => {
  world = await openOidcWorld()
  ;({ surroundings, core, idp, sql } = world)
}, 120_000)
afterAll(() => world?.close(), 60_000)
afterEach(() => {
  idp.isAway = false
})

describe('a CLI secret', () => {
  it('is a password for docker and the paths of a copying client, and for nothing else', async () => {
    const browser = await world.signIn('cora')
    const secret = await world.cliSecretOf(browser)
    expect(await world.tryCli('cora', secret)).toBe(200)
    expect(await world.tryCli('cora', `${secret}x`)).toBe(401)
    expect(await world.tryCli('ben', secret)).toBe(401)
    expect(await world.tryCli('nobody', secret)).toBe(401)
    expect((await core.get('/users/current', { as: `cora:${secret}` })).status).toBe(401)
    expect((await core.post('/labels', { as: `cora:${secret}`, body: { name: 'x', scope: 'g' } })).status).toBe(401)
    const token = await surroundings.connect('token')
    const granted = await token.ask(accessGrant, {
      credentials: { kind: 'basic', username: 'cora', password: secret },
      scopes: [],
    })
    await token.close()
    expect(granted.identity).toMatchObject({ kind: 'user', name: 'cora' })
  })

  it('is no wrong one where it opens nothing, however often it is shown there', async () => {
    const secret = await world.cliSecretOf(await world.signIn('cora'))
    for (let times = 0; times < 35; times++) {
      expect((await core.get('/users/current', { as: `cora:${secret}` })).status).toBe(401)
    }
    expect(await world.tryCli('cora', secret)).toBe(200)
  })

  it('is kept sealed, and shown to its owner at a browser alone', async () => {
    const browser = await world.signIn('cora')
    const secret = await world.cliSecretOf(browser)
    const { user_id: id } = await world.current(browser)
    const { rows } = await sql.query('SELECT * FROM core.oidc_people')
    expect(JSON.stringify(rows)).not.toContain(secret)
    const shown = await core.get(`/users/${id}`, { as: ADMIN })
    expect(shown.body).toMatchObject({ oidc_user_meta: { user_id: id, subiss: `sub-cora${idp.issuer}`, secret: '' } })
    expect((await core.get('/users/current', { as: ADMIN })).body).not.toHaveProperty('oidc_user_meta')
    const page = await browser.open(`${core.url}/api/v2.0/users/current`)
    expect(page.headers.get('cache-control')).toBe('no-store')
  })

  it('is changed by its owner and by administrators, within the rule', async () => {
    const browser = await world.signIn('dan')
    const { user_id: id } = await world.current(browser)
    const before = await world.cliSecretOf(browser)
    const path = `${core.url}/api/v2.0/users/${id}/cli_secret`
    expect((await browser.sendJson(path, { secret: 'short' }, 'PUT')).status).toBe(400)
    expect((await browser.sendJson(path, { secret: 'Chosen-by-dan-1' }, 'PUT')).status).toBe(200)
    expect([await world.tryCli('dan', before), await world.tryCli('dan', 'Chosen-by-dan-1')]).toEqual([401, 200])
    const put = (as: string | undefined, userId: number) =>
      core.put(`/users/${userId}/cli_secret`, { as, body: { secret: 'Chosen-by-admin-1' } })
    expect((await put(ADMIN, id)).status).toBe(200)
    expect(await world.tryCli('dan', 'Chosen-by-admin-1')).toBe(200)
    expect((await put(undefined, id)).status).toBe(401)
    expect((await put('dan:Chosen-by-admin-1', id)).status).toBe(401)
    expect((await put(ADMIN, 999_999)).status).toBe(404)
    expect((await put(ADMIN, 1)).status).toBe(404)
    const other = await world.signIn('ben')
    expect((await other.sendJson(path, { secret: 'Chosen-by-ben-1' }, 'PUT')).status).toBe(403)
    const { rows } = await sql.query(
      `SELECT username, description FROM core.audit_log WHERE operation = 'update' AND resource = 'dan' AND succeeded`,
    )
    expect(rows).toContainEqual({ username: 'dan', description: 'CLI secret' })
    expect(rows).toContainEqual({ username: 'admin', description: 'CLI secret' })
    const { rows: all } = await sql.query('SELECT * FROM core.audit_log')
    expect(JSON.stringify(all)).not.toMatch(/Chosen-by/)
  })

  it('asks the provider when its answer is old, once however many want to know, on every replica', async () => {
    const replica = await surroundings.startCore({ ...LOOPBACK, DATABASE_URL: core.databaseUrl })
    try {
      const secret = await world.cliSecretOf(await world.signIn('fay'))
      await world.age()
      idp.requests.length = 0
      const asks = Array.from({ length: 12 }, (_, at) =>
        (at % 2 ? core : replica).get('/projects', { as: `fay:${secret}` }),
      )
      expect((await Promise.all(asks)).map(({ status }) => status)).toEqual(Array.from({ length: 12 }, () => 200))
      expect(idp.requests.filter((line) => line === 'POST /token').length).toBe(1)
      expect(await world.tryCli('fay', secret)).toBe(200)
      expect(idp.requests.filter((line) => line === 'POST /token').length).toBe(1)
      // What was rotated is used the next time.
      await world.age()
      expect(await world.tryCli('fay', secret)).toBe(200)
    } finally {
      await replica.stop()
    }
  })

  it('stops when the session at the provider is over, until its owner signs in again', async () => {
    const browser = await world.signIn('gus')
    const secret = await world.cliSecretOf(browser)
    await idp.endSessions()
    expect(await world.tryCli('gus', secret)).toBe(200)
    await world.age()
    expect(await world.tryCli('gus', secret)).toBe(401)
    idp.requests.length = 0
    expect(await world.tryCli('gus', secret)).toBe(401)
    expect(idp.requests).toEqual([])
    await world.signIn('gus')
    expect(await world.tryCli('gus', secret)).toBe(200)
  })

  it('is neither right nor wrong while the provider cannot be asked', async () => {
    const secret = await world.cliSecretOf(await world.signIn('hal'))
    await world.age()
    idp.isAway = true
    const asked = await core.get('/projects', { as: `hal:${secret}` })
    expect([asked.status, asked.headers.get('retry-after')]).toEqual([503, '5'])
    expect(await world.tryCli('hal', 'Wrong-secret-1')).toBe(401)
    idp.isAway = false
    expect(await world.tryCli('hal', secret)).toBe(200)
  })

  it('never takes a refresh token to another provider (security case 33)', async () => {
    const other = await startIdentityProvider({ client: core.url })
    try {
      const secret = await world.cliSecretOf(await world.signIn('ivy'))
      await world.age()
      await world.configure({ oidc_endpoint: other.issuer })
      expect(await world.tryCli('ivy', secret)).toBe(401)
      expect(other.requests.filter((line) => line.startsWith('POST'))).toEqual([])
    } finally {
      await world.configure({ oidc_endpoint: idp.issuer })
      await other.stop()
    }
  })

  it('does not sign a browser in', async () => {
    const secret = await world.cliSecretOf(await world.signIn('cora'))
    const browser = openHeadlessBrowser()
    await browser.open(`${core.url}/api/v2.0/systeminfo`)
    const form = new URLSearchParams({ principal: 'cora', password: secret })
    const host = new URL(core.url).host
    const seen = await core.get('/systeminfo')
    const headers = {
      'X-Harbor-CSRF-Token': seen.headers.get('x-harbor-csrf-token') ?? '',
      cookie: (seen.headers.getSetCookie()[0] ?? '').split(';')[0] ?? '',
    }
    const reply = await core.post('/c/login', { body: form, headers })
    expect([reply.status, reply.body]).toEqual([403, { redirect_location: `${core.url}/c/oidc/login` }])
    // Names nobody has look the same (security case 4).
    const unknown = new URLSearchParams({ principal: 'nobody-at-all', password: secret })
    expect((await core.post('/c/login', { body: unknown, headers })).text).toBe(reply.text)
    const asAdmin = new URLSearchParams({ principal: 'admin', password: ADMIN_PASSWORD })
    expect((await core.post('/c/login', { body: asAdmin, headers })).status).toBe(200)
    expect(browser.cookie(host, 'sid')).toBeUndefined()
  })
})

describe('an ID token', () => {
  const as = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })

  it('is its owner, at the API and at the token service', async () => {
    await world.signIn('zoe')
    const token = idp.idToken('sub-zoe')
    const current = await core.get('/users/current', as(token))
    expect([current.status, current.body]).toEqual([200, expect.objectContaining({ username: 'zoe' })])
    expect(current.body).toMatchObject({ oidc_user_meta: { secret: '' } })
    const service = await surroundings.connect('token')
    const ask = (shown: string) =>
      service.ask(accessGrant, { credentials: { kind: 'bearer', token: shown }, scopes: [] })
    expect((await ask(token)).identity).toMatchObject({ kind: 'user', name: 'zoe' })
    await expect(ask(idp.idToken('sub-zoe', { aud: 'another' }))).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    await service.close()
  })

  it('is nobody when it is not for us, not now, not of the provider, or of somebody who was never here', async () => {
    const now = Math.floor(Date.now() / 1_000)
    const bad = [
      idp.idToken('sub-zoe', { aud: 'another' }),
      idp.idToken('sub-zoe', { iss: 'https://id.example' }),
      idp.idToken('sub-zoe', { exp: now - 60 }),
      idp.idToken('sub-stranger'),
      `${idp.idToken('sub-zoe').slice(0, -8)}AAAAAAAA`,
      'a.b.c',
    ]
    for (const token of bad) expect((await core.get('/users/current', as(token))).status, token).toBe(401)
  })

  it('is nobody once its owner has signed out at the provider', async () => {
    await world.configure({ oidc_logout: true })
    try {
      const browser = await world.signIn('zoe')
      const token = idp.idToken('sub-zoe')
      expect((await core.get('/users/current', as(token))).status).toBe(200)
      await browser.open(`${core.url}/c/oidc/logout`)
      expect((await core.get('/users/current', as(token))).status).toBe(401)
    } finally {
      await world.configure({ oidc_logout: false })
    }
  })
})

describe('groups of the provider', () => {
  it('make administrators, and no more once they are left (security case 37)', async () => {
    world.person('kim', { groups: ['captains', 'crew'] })
    const browser = await world.signIn('kim')
    expect(await world.current(browser)).toMatchObject({ admin_role_in_auth: true, sysadmin_flag: false })
    expect((await browser.open(`${core.url}/api/v2.0/users`)).status).toBe(200)
    const secret = await world.cliSecretOf(browser)

    world.person('kim', { groups: ['crew'] })
    await world.age()
    expect(await world.tryCli('kim', secret)).toBe(200)
    expect(await world.groupsOf('kim')).toEqual(['crew'])
    expect((await browser.open(`${core.url}/api/v2.0/users`)).status).toBe(403)
  })

  it('are lost with the claim at the next sign-in', async () => {
    world.person('lou', { groups: ['crew'] })
    await world.signIn('lou')
    expect(await world.groupsOf('lou')).toEqual(['crew'])
    world.person('lou')
    await world.signIn('lou')
    expect(await world.groupsOf('lou')).toEqual([])
  })
})
