import { openHeadlessBrowser } from '@berth/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMIN, type OidcWorld, openOidcWorld } from '../testing/oidc-world.ts'

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

describe('signing in at the provider for the first time', () => {
  it('leads over the provider to a page where a name is chosen, and on to where it began', async () => {
    world.person('ann', { groups: ['crew', 'kitchen', 'deck-1'] })
    const { browser, page } = await world.visit('ann', { query: '?redirect_url=%2Fharbor%2Fprojects%3Fx%3D1' })
    expect([page.status, page.url.pathname]).toEqual([200, '/oidc-onboard'])
    expect(page.text).toContain('value="ann"')
    expect(page.text).toContain('data-return-to="/harbor/projects?x=1"')
    expect(page.headers.get('cache-control')).toBe('no-store')
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'")

    const done = await browser.sendJson(`${core.url}/c/oidc/onboard`, { username: 'ann' })
    expect([done.status, done.text]).toEqual([200, ''])
    expect(await world.current(browser)).toMatchObject({
      username: 'ann',
      email: 'ann@x.org',
      realname: 'ann of the sea',
    })
    expect(await world.groupsOf('ann')).toEqual(['crew', 'deck-1'])
  })

  it('asks with PKCE, state, nonce and the extra parameters', async () => {
    world.person('pia')
    const { page } = await world.visit('pia')
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
    await world.signIn('ben')
    const { browser, page } = await world.visit('ben', { query: '?redirect_url=/api/version' })
    expect([page.status, page.url.href]).toEqual([200, `${core.url}/api/version`])
    const { rows } = await sql.query(`SELECT count(*)::int AS n FROM core.users WHERE username LIKE 'ben%'`)
    expect(rows[0].n).toBe(1)
    expect((await world.current(browser)).username).toBe('ben')
  })

  it('does not give a name that somebody has, admin least of all (security case 21)', async () => {
    world.person('mallory', { preferred_username: 'admin' })
    const { browser, page } = await world.visit('mallory')
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
    expect(await world.current(browser)).toMatchObject({
      username: 'mal',
      sysadmin_flag: false,
      admin_role_in_auth: false,
    })
  })

  it('with automatic onboarding takes the name of the claim, and nobody else’s', async () => {
    await world.configure({ oidc_auto_onboard: true })
    try {
      world.person('olga')
      const { browser, page } = await world.visit('olga')
      expect(page.url.href).toBe(`${core.url}/`)
      expect((await world.current(browser)).username).toBe('olga')
      world.person('eve', { preferred_username: 'admin' })
      const refused = await world.visit('eve')
      expect([refused.page.status, refused.page.text]).toEqual([409, expect.stringContaining('taken by somebody else')])
      world.person('nameless', { preferred_username: '' })
      expect((await world.visit('nameless')).page.status).toBe(400)
    } finally {
      await world.configure({ oidc_auto_onboard: false })
    }
  })

  it('lets nobody choose a name without the ticket of their browser, or twice, or from another site', async () => {
    world.person('tom')
    const { browser } = await world.visit('tom')
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
    await world.signIn('rob')
    const { browser, page } = await world.visit('rob')
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
    await world.configure({ oidc_endpoint: '' })
    const unset = await core.get('/c/oidc/login')
    expect([unset.status, unset.text]).toEqual([412, expect.stringContaining('no sign-in provider is configured')])
    await world.configure({ oidc_endpoint: `${idp.issuer}/nowhere` })
    const reply = await core.get('/c/oidc/login')
    expect([reply.status, reply.text]).toEqual([503, expect.stringContaining('cannot be reached')])
    await world.configure({ oidc_endpoint: idp.issuer })
  })
})

describe('signing out', () => {
  it('ends our session and stays here, unless the provider’s is to end too', async () => {
    const browser = await world.signIn('max')
    const secret = await world.cliSecretOf(browser)
    const page = await browser.open(`${core.url}/c/oidc/logout`)
    expect([page.url.href, browser.cookie(new URL(core.url).host, 'sid')]).toEqual([`${core.url}/`, undefined])
    expect((await browser.open(`${core.url}/api/v2.0/users/current`)).status).toBe(401)
    expect(await world.tryCli('max', secret)).toBe(200)
  })

  it('ends the session at the provider with ours, when that is configured', async () => {
    await world.configure({ oidc_logout: true })
    try {
      const browser = await world.signIn('ned')
      const secret = await world.cliSecretOf(browser)
      const page = await browser.open(`${core.url}/c/oidc/logout`)
      expect(page.url.origin).toBe(idp.issuer)
      const query = page.url.searchParams
      expect(query.get('post_logout_redirect_uri')).toBe(`${core.url}/`)
      expect(query.get('id_token_hint')).toMatch(/^eyJ/)
      expect(idp.requests).toContain('POST /token/revocation')
      const xsrf = /name="xsrf" value="([^"]+)"/.exec(page.text)?.[1] ?? ''
      const confirmed = await browser.sendForm(`${idp.issuer}/session/end/confirm`, { xsrf, logout: 'yes' })
      expect(confirmed.url.href).toBe(`${core.url}/`)
      expect(await world.tryCli('ned', secret)).toBe(401)
    } finally {
      await world.configure({ oidc_logout: false })
    }
  })

  it('of the admin, who did not come from the provider, goes nowhere', async () => {
    const reply = await core.get('/c/oidc/logout', { as: ADMIN })
    expect([reply.status, reply.headers.get('location')]).toEqual([302, '/'])
  })
})

describe('the ping', () => {
  const ping = (as: string | undefined, url: string) =>
    core.post('/system/oidc/ping', { as, body: { url, verify_cert: true } })

  it('tells whether a provider answers, and of everything else the same (security case 5)', async () => {
    expect((await ping(ADMIN, idp.issuer)).status).toBe(200)
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
      const reply = await ping(ADMIN, url)
      expect(reply.status, url).toBe(400)
      told.add(JSON.stringify(reply.body).replace(/"requestId":"[^"]*"/, ''))
    }
    expect([...told]).toEqual([expect.stringContaining('no OpenID provider was found at this address')])
  })

  it('is for administrators', async () => {
    expect((await ping(undefined, idp.issuer)).status).toBe(401)
    const browser = await world.signIn('ben')
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
      const put = await plain.put('/users/1/cli_secret', { as: ADMIN, body: { secret: 'Chosen-1' } })
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
      const reply = await strict.post('/system/oidc/ping', { as: ADMIN, body: { url: idp.issuer } })
      expect([reply.status, reply.text]).toEqual([400, expect.stringContaining('no OpenID provider was found')])
    } finally {
      await strict.stop()
    }
  })
})
