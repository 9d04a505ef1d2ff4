import { type HeadlessBrowser, type IdentityProvider, openHeadlessBrowser, startIdentityProvider } from '@berth/testkit'
import pg from 'pg'
import { expect } from 'vitest'
import { ADMIN_PASSWORD, openSurroundings, type RunningCore, type Surroundings } from './harness.ts'

export const ADMIN = `admin:${ADMIN_PASSWORD}`
/** Lets core dial a provider on this machine. */
export const LOOPBACK = { BERTH_EGRESS_ALLOW: '127.0.0.0/8' }

interface CurrentUser {
  user_id: number
  username: string
  oidc_user_meta?: { secret: string }
}

type Page = Awaited<ReturnType<HeadlessBrowser['open']>>

/** For tests: a core in OIDC mode, the provider its people sign in at, and what those people do. */
export interface OidcWorld {
  surroundings: Surroundings
  core: RunningCore
  idp: IdentityProvider
  sql: pg.Client
  configure(values: Record<string, unknown>): Promise<void>
  /** Somebody the provider knows as `sub-<name>`. */
  person(name: string, claims?: Record<string, unknown>): void
  /** Goes to the provider and back as this person. */
  visit(
    name: string,
    options?: { browser?: HeadlessBrowser; query?: string },
  ): Promise<{
    browser: HeadlessBrowser
    page: Page
  }>
  /** The same, choosing their name where asked; who is new to the provider too is made known to it. */
  signIn(name: string, browser?: HeadlessBrowser): Promise<HeadlessBrowser>
  current(browser: HeadlessBrowser): Promise<CurrentUser>
  cliSecretOf(browser: HeadlessBrowser): Promise<string>
  /** The status of a listing with basic credentials. */
  tryCli(name: string, secret: string): Promise<number>
  /** What the provider said of anybody is old. */
  age(): Promise<void>
  groupsOf(name: string): Promise<string[]>
  /** Fails when core has logged an error. */
  close(): Promise<void>
}

export async function openOidcWorld(): Promise<OidcWorld> {
  const surroundings = await openSurroundings()
  const core = await surroundings.startCore(LOOPBACK)
  const idp = await startIdentityProvider({ client: core.url })
  const sql = new pg.Client({ connectionString: core.databaseUrl })
  await sql.connect()

  const configure: OidcWorld['configure'] = async (body) => {
    const reply = await core.put('/configurations', { as: ADMIN, body })
    expect(reply.status, reply.text).toBe(200)
  }
  const person: OidcWorld['person'] = (name, claims = {}) => {
    const known = { preferred_username: name, name: `${name} of the sea`, email: `${name}@x.org` }
    idp.people.set(`sub-${name}`, { ...known, ...claims })
  }
  const visit: OidcWorld['visit'] = async (name, { browser = openHeadlessBrowser(), query = '' } = {}) => {
    idp.atBrowser = `sub-${name}`
    return { browser, page: await browser.open(`${core.url}/c/oidc/login${query}`) }
  }
  const current: OidcWorld['current'] = async (browser) => {
    const page = await browser.open(`${core.url}/api/v2.0/users/current`)
    expect(page.status, page.text).toBe(200)
    return JSON.parse(page.text) as CurrentUser
  }

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
  return {
    surroundings,
    core,
    idp,
    sql,
    configure,
    person,
    visit,
    current,
    async signIn(name, browser) {
      if (!idp.people.has(`sub-${name}`)) person(name)
      const visited = await visit(name, { browser })
      if (visited.page.url.pathname === '/oidc-onboard') {
        const done = await visited.browser.sendJson(`${core.url}/c/oidc/onboard`, { username: name })
        expect([done.status, done.text]).toEqual([200, ''])
      }
      return visited.browser
    },
    async cliSecretOf(browser) {
      const { oidc_user_meta: meta } = await current(browser)
      expect(meta?.secret).toMatch(/^[\w-]{32}$/)
      return meta?.secret ?? ''
    },
    tryCli: async (name, secret) => (await core.get('/projects', { as: `${name}:${secret}` })).status,
    age: async () => void (await sql.query(`UPDATE core.oidc_people SET alive_until = now() - interval '1 second'`)),
    async groupsOf(name) {
      const { rows } = await sql.query(
        `SELECT g.name FROM core.group_people p JOIN core.groups g ON g.id = p.group_id
           JOIN core.users u ON u.id = p.user_id WHERE u.username = $1 ORDER BY g.name`,
        [name],
      )
      return rows.map((row) => row.name)
    },
    async close() {
      expect(core.errors.map(({ fields }) => fields?.err)).toEqual([])
      await sql.end()
      await idp.stop()
      await core.stop()
      await surroundings.stop()
    },
  }
}
