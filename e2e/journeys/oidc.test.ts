import { join } from 'node:path'
import { type HeadlessBrowser, type IdentityProvider, openHeadlessBrowser, startIdentityProvider } from '@berth/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Api, ROLE } from '../src/api.ts'
import { openDocker, toldDigest } from '../src/clients/docker.ts'
import { type Dockerd, startDockerd } from '../src/clients/dockerd.ts'
import { basic } from '../src/http.ts'
import { makeImage } from '../src/images/image.ts'
import { writeDockerArchive } from '../src/images/on-disk.ts'
import { until } from '../src/process.ts'
import { askToken } from '../src/registry-client.ts'
import { openScratch, removeScratch } from '../src/scratch.ts'
import { type Suite, startSuite } from '../src/suite.ts'
import { openTools, type Tools } from '../tools/install.ts'

const TOKEN_SECONDS = 3

describe('signing in at an OpenID provider', () => {
  let home: string
  let tools: Tools
  let suite: Suite
  let dockerd: Dockerd
  let idp: IdentityProvider
  let admin: Api

  beforeAll(async () => {
    home = await openScratch()
    tools = await openTools()
    suite = await startSuite({ env: { BERTH_EGRESS_ALLOW: '127.0.0.0/8' }, scale: { core: 2 } })
    dockerd = await startDockerd(tools)
    idp = await startIdentityProvider({ client: suite.url })
    admin = Api.admin(suite)
    await admin.must(200, 'PUT', '/api/v2.0/configurations', {
      auth_mode: 'oidc_auth',
      oidc_name: 'the provider',
      oidc_endpoint: idp.issuer,
      oidc_client_id: idp.clientId,
      oidc_client_secret: idp.clientSecret,
      oidc_groups_claim: 'groups',
      oidc_admin_group: 'captains',
      oidc_user_claim: 'preferred_username',
      oidc_scope: 'openid,profile,email,offline_access',
      oidc_extra_redirect_parms: JSON.stringify({ prompt: 'consent' }),
      oidc_logout: true,
    })
    await admin.createProject('harbour')
    await everyReplicaKnows()
  })

  afterAll(async () => {
    await idp?.stop()
    await dockerd?.stop()
    await suite?.stop()
    await removeScratch(home)
  })

  /** The replica that was not asked to change the configuration follows within a second. */
  async function everyReplicaKnows() {
    const mode = async () => (await admin.get('/api/v2.0/systeminfo')).json<{ auth_mode: string }>().auth_mode
    await until('every replica has the new configuration', 10_000, async () =>
      (await Promise.all(Array.from({ length: 16 }, mode))).every((told) => told === 'oidc_auth'),
    )
  }

  /** Over the provider and back, choosing the proposed name where asked. */
  async function signIn(name: string, groups: string[]): Promise<HeadlessBrowser> {
    idp.people.set(`sub-${name}`, { preferred_username: name, name, email: `${name}@example.com`, groups })
    idp.atBrowser = `sub-${name}`
    const browser = openHeadlessBrowser()
    const page = await browser.open(`${suite.url}/c/oidc/login?redirect_url=/api/v2.0/users/current`)
    if (page.url.pathname !== '/oidc-onboard') return browser
    expect(page.text).toContain(`value="${name}"`)
    const chosen = await browser.sendJson(`${suite.url}/c/oidc/onboard`, { username: name })
    expect([chosen.status, chosen.text]).toEqual([200, ''])
    return browser
  }

  async function read<T>(browser: HeadlessBrowser, path: string): Promise<T> {
    const page = await browser.open(`${suite.url}/api/v2.0${path}`)
    expect(page.status, page.text).toBe(200)
    return JSON.parse(page.text) as T
  }

  async function cliSecretOf(browser: HeadlessBrowser): Promise<string> {
    const { oidc_user_meta: meta } = await read<{ oidc_user_meta: { secret: string } }>(browser, '/users/current')
    return meta.secret
  }

  it('the suite tells browsers where to go', async () => {
    const told = await new Api(suite.url).get('/api/v2.0/systeminfo')
    expect(told.json()).toMatchObject({ auth_mode: 'oidc_auth', oidc_provider_name: 'the provider' })
    await admin.must(200, 'POST', '/api/v2.0/system/oidc/ping', { url: idp.issuer, verify_cert: true })
  })

  it('a person of a group signs in, and docker does with their CLI secret: login, push, pull', async () => {
    const browser = await signIn('ann', ['crew'])
    const group = { group_name: 'crew', group_type: 3 }
    const body = { role_id: ROLE.developer, member_group: group }
    await admin.must(201, 'POST', '/api/v2.0/projects/harbour/members', body)
    const secret = await cliSecretOf(browser)

    const image = await makeImage({ name: 'oidc', layerBytes: [2_000] })
    const tag = `${suite.host}/harbour/app:1`
    const docker = await openDocker(tools, dockerd, join(home, 'ann'))
    const login = await docker.login(suite.host, 'ann', secret)
    expect(login.output).toContain('Login Succeeded')
    await docker('load', '-i', await writeDockerArchive(join(home, 'image.tar'), image, [tag]))
    const pushed = await docker('push', tag)
    expect(pushed.code, pushed.output).toBe(0)
    const pulled = await docker('pull', tag)
    expect(pulled.code, pulled.output).toBe(0)
    expect(toldDigest(pulled.output)).toBe(toldDigest(pushed.output))

    const wrong = await openDocker(tools, dockerd, join(home, 'wrong'))
    expect((await wrong.login(suite.host, 'ann', `${secret}x`)).code).not.toBe(0)
    const api = new Api(suite.url, { name: 'ann', password: secret })
    expect((await api.get('/api/v2.0/projects')).status).toBe(200)
    expect((await api.get('/api/v2.0/users/current')).status).toBe(401)
  })

  it('the secret lives as long as the session at the provider, on every replica', async () => {
    idp.tokenSeconds = TOKEN_SECONDS
    const browser = await signIn('bea', ['crew'])
    const secret = await cliSecretOf(browser)
    const login = async () => (await askToken(suite.url, { user: 'bea', password: secret })).status
    const wait = () => new Promise((resolve) => setTimeout(resolve, (TOKEN_SECONDS + 1) * 1_000))
    await wait()
    expect(new Set(await Promise.all(Array.from({ length: 8 }, login)))).toEqual(new Set([200]))
    await idp.endSessions()
    await wait()
    expect(new Set(await Promise.all(Array.from({ length: 8 }, login)))).toEqual(new Set([401]))
    idp.tokenSeconds = 3_600
    await signIn('bea', ['crew'])
    expect(await login()).toBe(200)
  })

  it('the admin group administers, and nobody becomes the admin by name', async () => {
    const captain = await signIn('cat', ['captains'])
    expect(await read(captain, '/users/current')).toMatchObject({ admin_role_in_auth: true })
    expect(await read<unknown[]>(captain, '/users')).not.toHaveLength(0)
    idp.people.set('sub-x', { preferred_username: 'admin', groups: [] })
    idp.atBrowser = 'sub-x'
    const browser = openHeadlessBrowser()
    await browser.open(`${suite.url}/c/oidc/login`)
    const taken = await browser.sendJson(`${suite.url}/c/oidc/onboard`, { username: 'admin' })
    expect(taken.status).toBe(409)
    expect((await browser.open(`${suite.url}/api/v2.0/users/current`)).status).toBe(401)
    const asAdmin = { authorization: basic('admin', suite.adminPassword) }
    expect((await new Api(suite.url).get('/api/v2.0/users/current', { headers: asAdmin })).status).toBe(200)
  })

  it('signing out ends the session here and at the provider', async () => {
    const browser = await signIn('ann', ['crew'])
    const page = await browser.open(`${suite.url}/c/oidc/logout`)
    expect(page.url.origin).toBe(idp.issuer)
    expect(page.url.searchParams.get('post_logout_redirect_uri')).toBe(`${suite.url}/`)
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(page.text)?.[1] ?? ''
    const done = await browser.sendForm(`${idp.issuer}/session/end/confirm`, { xsrf, logout: 'yes' })
    expect([done.url.href, done.status]).toEqual([`${suite.url}/`, 200])
    expect((await browser.open(`${suite.url}/api/v2.0/users/current`)).status).toBe(401)
  })

  it('no secret of it stands in a log', async () => {
    const log = await suite.log()
    expect(log).not.toContain(idp.clientSecret)
    expect(log).not.toMatch(/eyJ[\w-]{10,}\.[\w-]{10,}\./)
  })
})
