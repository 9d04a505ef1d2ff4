import { type HeadlessBrowser, type IdentityProvider, openHeadlessBrowser, startIdentityProvider } from '@berth/testkit'
import { accessGrant } from '@berth/types'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ADMIN_PASSWORD, openSurroundings, type RunningCore, type Surroundings } from '../testing/harness.ts'

const admin = `admin:${ADMIN_PASSWORD}`
const LOOPBACK = { BERTH_EGRESS_ALLOW: '127.0.0.0/8' }

let surroundings: Surroundings
let core: RunningCore
let idp: IdentityProvider
let sql: pg.Client

beforeAll(async () => {
  surroundings = await openSurroundings()
  core = await surroundings.startCore(LOOPBACK)
  idp = await startIdentityProvider({ client: core.url })
  sql = new pg.Client({ connectionString: core.databaseUrl })
  await sql.connect()
  await configure({
    auth_mode: 'oidc_auth',
    oidc_name: 'Test',
    oidc_endpoint: idp.issuer,
    oidc_client_id: idp.clientId,
    oidc_client_secret: idp.clientSecret,
    oidc_groups_claim: 'groups',
    oidc_admin_group: 'captains',
    oidc_group_filter: '^(crew|captains|deck-.*)$',
    oidc_user_claim: 'preferred_username',
    oidc_scope: 'openid,profile,email,offline_access',
    oidc_extra_redirect_parms: '{"prompt":"consent"}',
  })
}, 120_000)

afterAll(async () => {
  expect(core?.errors.map(({ fields }) => fields?.err)).toEqual([])
  await sql?.end()
  await idp?.stop()
  await core?.stop()
  await surroundings?.stop()
}, 60_000)

beforeEach(() => {
  idp.requests.length = 0
})
afterEach(() => {
  idp.isAway = false
})

async function configure(body: Record<string, unknown>): Promise<void> {
  const reply = await core.put('/configurations', { as: admin, body })
  expect(reply.status, reply.text).toBe(200)
}

function person(name: string, claims: Record<string, unknown> = {}): void {
  idp.people.set(`sub-${name}`, {
    preferred_username: name,
    name: `${name} of the sea`,
    email: `${name}@x.org`,
    ...claims,
  })
}

/** Goes to the provider and back as this person. */
async function visit(name: string, browser = openHeadlessBrowser(), query = '') {
  idp.atBrowser = `sub-${name}`
  const page = await browser.open(`${core.url}/c/oidc/login${query}`)
  return { browser, page }
}

/** The same, choosing the proposed name where asked. */
async function signIn(name: string, browser = openHeadlessBrowser()): Promise<HeadlessBrowser> {
  if (!idp.people.has(`sub-${name}`)) person(name)
  const { page } = await visit(name, browser)
  if (page.url.pathname === '/oidc-onboard') {
    const done = await browser.sendJson(`${core.url}/c/oidc/onboard`, { username: name })
    expect([done.status, done.text]).toEqual([200, ''])
  }
  return browser
}

interface CurrentUser {
  user_id: number
  username: string
  admin_role_in_auth: boolean
  oidc_user_meta?: { secret: string; subiss: string }
}

async function current(browser: HeadlessBrowser): Promise<CurrentUser> {
  const page = await browser.open(`${core.url}/api/v2.0/users/current`)
  expect(page.status, page.text).toBe(200)
  return JSON.parse(page.text) as CurrentUser
}

async function cliSecretOf(browser: HeadlessBrowser): Promise<string> {
  const { oidc_user_meta: meta } = await current(browser)
  expect(meta?.secret).toMatch(/^[\w-]{32}$/)
  return meta?.secret ?? ''
}

const tryCli = async (name: string, secret: string) => (await core.get('/projects', { as: `${name}:${secret}` })).status
const age = () => sql.query(`UPDATE core.oidc_people SET alive_until = now() - interval '1 second'`)
const groupsOf = async (name: string) => {
  const { rows } = await sql.query(
    `SELECT g.name FROM core.group_people p JOIN core.groups g ON g.id = p.group_id JOIN core.users u ON u.id = p.user_id
      WHERE u.username = $1 ORDER BY g.name`,
    [name],
  )
  return rows.map((row) => row.name)
}

describe('signing in at the provider for the first time', () => {
  it('leads over the provider to a page where a name is chosen, and on to where it began', async () => {
    person('ann', { groups: ['crew', 'kitchen', 'deck-1'] })
    const { browser, page } = await visit('ann', undefined, '?redirect_url=%2Fharbor%2Fprojects%3Fx%3D1')
    expect([page.status, page.url.pathname]).toEqual([200, '/oidc-onboard'])
    expect(page.text).toContain('value="ann"')
    expect(page.text).toContain('data-return-to="/harbor/projects?x=1"')
    expect(page.headers.get('cache-control')).toBe('no-store')
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'")

    const done = await browser.sendJson(`${core.url}/c/oidc/onboard`, { username: 'ann' })
    expect([done.status, done.text]).toEqual([200, ''])
    expect(await current(browser)).toMatchObject({ username: 'ann', email: 'ann@x.org', realname: 'ann of the sea' })
    expect(await groupsOf('ann')).toEqual(['crew', 'deck-1'])
  })

  it('asks with PKCE, state, nonce and the extra parameters', async () => {
    person('pia')
    const { page } = await visit('pia')
    const asked = new URL(page.way.find((url) => url.startsWith(`${idp.issuer}/auth?`)) ?? '').searchParams
    expect(Object.fromEntries(asked)).toMatchObject({
      response_type: 'code',
      code_challenge_method: 'S256',
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      state: expect.stringMatching(/^[\w-]{43}$/),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
      prompt: 'consent',
      scope: 'openid profile email offline_access',
      redirect_uri: `${core.url}/c/oidc/callback`,
    })
  })

  it('needs no name the second time, and no new user', async () => {
    await signIn('ben')
    const { browser, page } = await visit('ben', undefined, '?redirect_url=/api/version')
    expect([page.status, page.url.href]).toEqual([200, `${core.url}/api/version`])
    const { rows } = await sql.query(`SELECT count(*)::int AS n FROM core.users WHERE username LIKE 'ben%'`)
    expect(rows[0].n).toBe(1)
    expect((await current(browser)).username).toBe('ben')
  })

  it('does not give a name that somebody has, admin least of all (security case 21)', async () => {
    person('mallory', { preferred_username: 'admin' })
    const { browser, page } = await visit('mallory')
    expect(page.url.pathname).toBe('/oidc-onboard')
    for (const username of ['admin', 'ben', 'anonymous']) {
      const taken = await browser.sendJson(`${core.url}/c/oidc/onboard`, { username })
      expect([taken.status, taken.text]).toEqual([409, expect.stringContaining('CONFLICT')])
    }
    expect((await browser.open(`${core.url}/api/v2.0/users/current`)).status).toBe(401)
    const bad = await browser.sendJson(`${core.url}/c/oidc/onboard`, { username: 'a,b' })
    expect(bad.status).toBe(400)
    const chosen = await browser.sendJson(`${core.url}/c/oidc/onboard`, { username: 'mal' })
    expect(chosen.status).toBe(200)
    expect(await current(browser)).toMatchObject({ username: 'mal', sysadmin_flag: false, admin_role_in_auth: false })
  })

  it('with automatic onboarding takes the name of the claim, and nobody else’s', async () => {
    await configure({ oidc_auto_onboard: true })
    try {
      person('olga')
      const { browser, page } = await visit('olga')
      expect(page.url.href).toBe(`${core.url}/`)
      expect((await current(browser)).username).toBe('olga')
      person('eve', { preferred_username: 'admin' })
      const refused = await visit('eve')
      expect([refused.page.status, refused.page.text]).toEqual([409, expect.stringContaining('taken by somebody else')])
      person('nameless', { preferred_username: '' })
      expect((await visit('nameless')).page.status).toBe(400)
    } finally {
      await configure({ oidc_auto_onboard: false })
    }
  })

  it('lets nobody choose a name without the ticket of their browser, or twice, or from another site', async () => {
    person('tom')
    const { browser } = await visit('tom')
    const stranger = openHeadlessBrowser()
    await stranger.open(`${core.url}/api/v2.0/systeminfo`)
    const without = await stranger.sendJson(`${core.url}/c/oidc/onboard`, { username: 'tom' })
    expect([without.status, without.text]).toEqual([400, expect.stringContaining('sign in again')])
    expect((await stranger.open(`${core.url}/oidc-onboard`)).status).toBe(400)
    const ticket = browser.cookie(new URL(core.url).host, 'oidc_onboard') ?? ''
    const headers = { cookie: `oidc_onboard=${ticket}` }
    const forged = await core.post('/c/oidc/onboard', { body: { username: 'tom' }, headers })
    expect([forged.status, forged.text]).toEqual([403, expect.stringContaining('CSRF')])
    const { rows } = await sql.query('SELECT id_hash, person FROM core.oidc_onboardings')
    expect(rows.length).toBeGreaterThan(0)
    expect(JSON.stringify(rows)).not.toContain('sub-tom')
    expect((await browser.sendJson(`${core.url}/c/oidc/onboard`, { username: 'tom' })).status).toBe(200)
    const again = await core.get('/oidc-onboard', { headers })
    expect(again.status).toBe(404)
    expect((await fetch(`${core.url}/oidc-onboard`, { headers })).status).toBe(400)
  })
})

describe('what comes back from the provider', () => {
  const callback = () => `${core.url}/c/oidc/callback`

  it('is worth nothing without the cookie, with another state, or a second time', async () => {
    await signIn('rob')
    const { browser, page } = await visit('rob')
    const used = page.way.find((url) => url.startsWith(callback())) ?? ''
    for (const target of [used, `${callback()}?code=x&state=y`, callback()]) {
      const replay = await openHeadlessBrowser().open(target)
      expect([replay.status, replay.headers.get('content-type')]).toEqual([400, expect.stringContaining('text/html')])
    }
    const same = await browser.open(used)
    expect([same.status, same.text]).toEqual([400, expect.stringContaining('sign in again')])
    const asScript = await core.get('/c/oidc/callback?code=x&state=y')
    expect([asScript.status, asScript.body]).toEqual([
      400,
      { errors: [expect.objectContaining({ code: 'BAD_REQUEST' })] },
    ])
  })

  it('can be a refusal, which is shown and harms nothing', async () => {
    idp.atBrowser = undefined
    const page = await openHeadlessBrowser().open(`${core.url}/c/oidc/login`)
    expect([page.status, page.text]).toEqual([400, expect.stringContaining('access_denied')])
  })

  it('is shown as text, never as markup', async () => {
    idp.atBrowser = undefined
    const browser = openHeadlessBrowser()
    const begun = await fetch(`${core.url}/c/oidc/login`, { redirect: 'manual' })
    const state = new URL(begun.headers.get('location') ?? '').searchParams.get('state') ?? ''
    const cookie = begun.headers
      .getSetCookie()
      .map((line) => line.split(';')[0])
      .join('; ')
    const query = new URLSearchParams({ state, error: '<script>alert(1)</script>', error_description: '<b>' })
    const shown = await fetch(`${callback()}?${query}`, { headers: { cookie, accept: 'text/html' } })
    const text = await shown.text()
    expect([shown.status, text.includes('<script>'), text.includes('<b>')]).toEqual([400, false, false])
    expect(browser.cookie(new URL(core.url).host, 'sid')).toBeUndefined()
  })

  it('never sends a browser to another site (security case 11)', async () => {
    for (const target of ['//evil.example', '/\\evil.example', 'https://evil.example', '/\t/evil.example']) {
      const reply = await core.get(`/c/oidc/login?redirect_url=${encodeURIComponent(target)}`)
      expect([reply.status, reply.headers.get('location')]).toEqual([400, null])
    }
  })

  it('is asked for in vain while the provider is away', async () => {
    await configure({ oidc_endpoint: `${idp.issuer}/nowhere` })
    const reply = await core.get('/c/oidc/login')
    expect([reply.status, reply.text]).toEqual([503, expect.stringContaining('cannot be reached')])
    await configure({ oidc_endpoint: idp.issuer })
  })
})

describe('a CLI secret', () => {
  it('is a password for docker and the paths of a copying client, and for nothing else', async () => {
    const browser = await signIn('cora')
    const secret = await cliSecretOf(browser)
    expect(await tryCli('cora', secret)).toBe(200)
    expect(await tryCli('cora', `${secret}x`)).toBe(401)
    expect(await tryCli('ben', secret)).toBe(401)
    expect(await tryCli('nobody', secret)).toBe(401)
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

  it('is kept sealed, and shown to its owner at a browser alone', async () => {
    const browser = await signIn('cora')
    const secret = await cliSecretOf(browser)
    const { user_id: id } = await current(browser)
    const { rows } = await sql.query('SELECT * FROM core.oidc_people')
    expect(JSON.stringify(rows)).not.toContain(secret)
    const shown = await core.get(`/users/${id}`, { as: admin })
    expect(shown.body).toMatchObject({ oidc_user_meta: { user_id: id, subiss: `sub-cora${idp.issuer}`, secret: '' } })
    expect((await core.get('/users/current', { as: admin })).body).not.toHaveProperty('oidc_user_meta')
  })

  it('is changed by its owner and by administrators, within the rule', async () => {
    const browser = await signIn('dan')
    const { user_id: id } = await current(browser)
    const before = await cliSecretOf(browser)
    const path = `${core.url}/api/v2.0/users/${id}/cli_secret`
    expect((await browser.sendJson(path, { secret: 'short' }, 'PUT')).status).toBe(400)
    expect((await browser.sendJson(path, { secret: 'Chosen-by-dan-1' }, 'PUT')).status).toBe(200)
    expect([await tryCli('dan', before), await tryCli('dan', 'Chosen-by-dan-1')]).toEqual([401, 200])
    const put = (as: string | undefined, userId: number) =>
      core.put(`/users/${userId}/cli_secret`, { as, body: { secret: 'Chosen-by-admin-1' } })
    expect((await put(admin, id)).status).toBe(200)
    expect(await tryCli('dan', 'Chosen-by-admin-1')).toBe(200)
    expect((await put(undefined, id)).status).toBe(401)
    expect((await put('dan:Chosen-by-admin-1', id)).status).toBe(401)
    expect((await put(admin, 999_999)).status).toBe(404)
    expect((await put(admin, 1)).status).toBe(404)
    const other = await signIn('ben')
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
      const secret = await cliSecretOf(await signIn('fay'))
      await age()
      idp.requests.length = 0
      const asks = Array.from({ length: 12 }, (_, at) =>
        (at % 2 ? core : replica).get('/projects', { as: `fay:${secret}` }),
      )
      expect((await Promise.all(asks)).map(({ status }) => status)).toEqual(Array.from({ length: 12 }, () => 200))
      expect(idp.requests.filter((line) => line === 'POST /token').length).toBe(1)
      expect(await tryCli('fay', secret)).toBe(200)
      expect(idp.requests.filter((line) => line === 'POST /token').length).toBe(1)
      // What was rotated is used the next time.
      await age()
      expect(await tryCli('fay', secret)).toBe(200)
    } finally {
      await replica.stop()
    }
  })

  it('stops when the session at the provider is over, until its owner signs in again', async () => {
    const browser = await signIn('gus')
    const secret = await cliSecretOf(browser)
    await idp.endSessions()
    expect(await tryCli('gus', secret)).toBe(200)
    await age()
    expect(await tryCli('gus', secret)).toBe(401)
    idp.requests.length = 0
    expect(await tryCli('gus', secret)).toBe(401)
    expect(idp.requests).toEqual([])
    await signIn('gus')
    expect(await tryCli('gus', secret)).toBe(200)
  })

  it('is neither right nor wrong while the provider cannot be asked', async () => {
    const secret = await cliSecretOf(await signIn('hal'))
    await age()
    idp.isAway = true
    const asked = await core.get('/projects', { as: `hal:${secret}` })
    expect([asked.status, asked.headers.get('retry-after')]).toEqual([503, '5'])
    expect(await tryCli('hal', 'Wrong-secret-1')).toBe(401)
    idp.isAway = false
    expect(await tryCli('hal', secret)).toBe(200)
  })

  it('never takes a refresh token to another provider (security case 33)', async () => {
    const other = await startIdentityProvider({ client: core.url })
    try {
      const secret = await cliSecretOf(await signIn('ivy'))
      await age()
      await configure({ oidc_endpoint: other.issuer })
      expect(await tryCli('ivy', secret)).toBe(401)
      expect(other.requests.filter((line) => line.startsWith('POST'))).toEqual([])
    } finally {
      await configure({ oidc_endpoint: idp.issuer })
      await other.stop()
    }
  })

  it('does not sign a browser in', async () => {
    const secret = await cliSecretOf(await signIn('cora'))
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
    await signIn('zoe')
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
    await configure({ oidc_logout: true })
    try {
      const browser = await signIn('zoe')
      const token = idp.idToken('sub-zoe')
      expect((await core.get('/users/current', as(token))).status).toBe(200)
      await browser.open(`${core.url}/c/oidc/logout`)
      expect((await core.get('/users/current', as(token))).status).toBe(401)
    } finally {
      await configure({ oidc_logout: false })
    }
  })
})

describe('groups of the provider', () => {
  it('make administrators, and no more once they are left (security case 37)', async () => {
    person('kim', { groups: ['captains', 'crew'] })
    const browser = await signIn('kim')
    expect(await current(browser)).toMatchObject({ admin_role_in_auth: true, sysadmin_flag: false })
    expect((await browser.open(`${core.url}/api/v2.0/users`)).status).toBe(200)
    const secret = await cliSecretOf(browser)

    person('kim', { groups: ['crew'] })
    await age()
    expect(await tryCli('kim', secret)).toBe(200)
    expect(await groupsOf('kim')).toEqual(['crew'])
    expect((await browser.open(`${core.url}/api/v2.0/users`)).status).toBe(403)
  })

  it('are lost with the claim at the next sign-in', async () => {
    person('lou', { groups: ['crew'] })
    await signIn('lou')
    expect(await groupsOf('lou')).toEqual(['crew'])
    person('lou')
    await signIn('lou')
    expect(await groupsOf('lou')).toEqual([])
  })
})

describe('signing out', () => {
  it('ends our session and stays here, unless the provider’s is to end too', async () => {
    const browser = await signIn('max')
    const secret = await cliSecretOf(browser)
    const page = await browser.open(`${core.url}/c/oidc/logout`)
    expect([page.url.href, browser.cookie(new URL(core.url).host, 'sid')]).toEqual([`${core.url}/`, undefined])
    expect((await browser.open(`${core.url}/api/v2.0/users/current`)).status).toBe(401)
    expect(await tryCli('max', secret)).toBe(200)
  })

  it('ends the session at the provider with ours, when that is configured', async () => {
    await configure({ oidc_logout: true })
    try {
      const browser = await signIn('ned')
      const secret = await cliSecretOf(browser)
      const page = await browser.open(`${core.url}/c/oidc/logout`)
      expect(page.url.origin).toBe(idp.issuer)
      const query = page.url.searchParams
      expect(query.get('post_logout_redirect_uri')).toBe(`${core.url}/`)
      expect(query.get('id_token_hint')).toMatch(/^eyJ/)
      expect(idp.requests).toContain('POST /token/revocation')
      const xsrf = /name="xsrf" value="([^"]+)"/.exec(page.text)?.[1] ?? ''
      const confirmed = await browser.sendForm(`${idp.issuer}/session/end/confirm`, { xsrf, logout: 'yes' })
      expect(confirmed.url.href).toBe(`${core.url}/`)
      expect(await tryCli('ned', secret)).toBe(401)
    } finally {
      await configure({ oidc_logout: false })
    }
  })

  it('of the admin, who did not come from the provider, goes nowhere', async () => {
    const reply = await core.get('/c/oidc/logout', { as: admin })
    expect([reply.status, reply.headers.get('location')]).toEqual([302, '/'])
  })
})

describe('the ping', () => {
  const ping = (as: string | undefined, url: string) =>
    core.post('/system/oidc/ping', { as, body: { url, verify_cert: true } })

  it('tells whether a provider answers, and of everything else the same (security case 5)', async () => {
    expect((await ping(admin, idp.issuer)).status).toBe(200)
    const told = new Set<string>()
    for (const url of [
      '',
      'nonsense',
      'ftp://x',
      core.url,
      'http://127.0.0.1:1',
      'http://169.254.169.254',
      `${idp.issuer}/x`,
    ]) {
      const reply = await ping(admin, url)
      expect(reply.status, url).toBe(400)
      told.add(JSON.stringify(reply.body).replace(/"requestId":"[^"]*"/, ''))
    }
    expect([...told]).toEqual([expect.stringContaining('no OpenID provider was found at this address')])
  })

  it('is for administrators', async () => {
    expect((await ping(undefined, idp.issuer)).status).toBe(401)
    const browser = await signIn('ben')
    const reply = await browser.sendJson(`${core.url}/api/v2.0/system/oidc/ping`, { url: idp.issuer })
    expect(reply.status).toBe(403)
  })
})

describe('outside the OIDC mode', () => {
  it('there is no signing in at a provider and no CLI secret: 412', async () => {
    const plain = await surroundings.startCore()
    try {
      for (const path of ['login', 'callback?code=x&state=y', 'logout']) {
        expect((await plain.get(`/c/oidc/${path}`)).status, path).toBe(412)
      }
      const seen = await plain.get('/systeminfo')
      const headers = {
        'X-Harbor-CSRF-Token': seen.headers.get('x-harbor-csrf-token') ?? '',
        cookie: (seen.headers.getSetCookie()[0] ?? '').split(';')[0] ?? '',
      }
      expect((await plain.post('/c/oidc/onboard', { body: { username: 'x' }, headers })).status).toBe(412)
      const put = await plain.put('/users/1/cli_secret', { as: admin, body: { secret: 'Chosen-1' } })
      expect(put.status).toBe(412)
      const token = { headers: { authorization: `Bearer ${idp.idToken('sub-ann')}` } }
      expect((await plain.get('/users/current', token)).status).toBe(401)
    } finally {
      await plain.stop()
    }
  })

  it('a provider on this machine is out of reach unless the operator allows it', async () => {
    const strict = await surroundings.startCore()
    try {
      const reply = await strict.post('/system/oidc/ping', { as: admin, body: { url: idp.issuer } })
      expect([reply.status, reply.text]).toEqual([400, expect.stringContaining('no OpenID provider was found')])
    } finally {
      await strict.stop()
    }
  })
})
