import { openDatabase } from '@berth/db'
import { Unauthorized } from '@berth/errors'
import { silentLogger } from '@berth/runtime'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fixedSettings } from '../testing/fixed-settings.ts'
import { ADMIN_PASSWORD, openSurroundings, type RunningCore, type Surroundings } from '../testing/harness.ts'
import type { Reply } from '../testing/harness-client.ts'
import { person } from '../testing/person.ts'
import { createSessionSignIn } from './session-sign-in.ts'

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

/** What a browser keeps between requests. */
interface Browser {
  cookies: Map<string, string>
  token: string
}

function keep(browser: Browser, reply: Reply): Reply {
  for (const cookie of reply.headers.getSetCookie()) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
    if (value === '') browser.cookies.delete(name)
    else browser.cookies.set(name, value)
  }
  browser.token = reply.headers.get('x-harbor-csrf-token') ?? browser.token
  return reply
}

function headersOf(browser: Browser): Record<string, string> {
  const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  return { cookie, ...(browser.token ? { 'X-Harbor-CSRF-Token': browser.token } : {}) }
}

async function openBrowser(): Promise<Browser> {
  const browser: Browser = { cookies: new Map(), token: '' }
  keep(browser, await core.get('/systeminfo'))
  return browser
}

const form = (principal: string, password: string) => new URLSearchParams({ principal, password })

async function signIn(browser: Browser, principal = 'admin', password = ADMIN_PASSWORD): Promise<Reply> {
  return keep(browser, await core.post('/c/login', { body: form(principal, password), headers: headersOf(browser) }))
}

describe('signing in with a browser', () => {
  it('gives a session cookie that scripts and other sites cannot use', async () => {
    const browser = await openBrowser()
    const reply = await signIn(browser)
    expect([reply.status, reply.text]).toEqual([200, ''])
    const cookie = reply.headers.getSetCookie().find((one) => one.startsWith('sid='))
    expect(cookie).toMatch(/^sid=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/)
    const current = await core.get('/users/current', { headers: headersOf(browser) })
    expect(current.body).toMatchObject({ user_id: 1, username: 'admin', sysadmin_flag: true })
  })

  it('marks the cookie for TLS when that is how the client came', async () => {
    const browser: Browser = { cookies: new Map(), token: '' }
    const tls = { 'x-forwarded-proto': 'https' }
    keep(browser, await core.get('/systeminfo', { headers: tls }))
    const headers = { ...headersOf(browser), ...tls }
    const reply = await core.post('/c/login', { body: form('admin', ADMIN_PASSWORD), headers })
    expect(reply.headers.getSetCookie().find((one) => one.startsWith('sid='))).toContain('; Secure')
  })

  it('refuses a wrong password and an unknown name in the same words', async () => {
    const browser = await openBrowser()
    const wrong = await signIn(browser, 'admin', 'Wrong12345')
    const unknown = await signIn(browser, 'nobody', 'Wrong12345')
    expect([wrong.status, unknown.status]).toEqual([401, 401])
    expect(wrong.text).toBe(unknown.text)
    expect(browser.cookies.has('sid')).toBe(false)
  })

  it('makes a new session each time and ends the one before', async () => {
    const browser = await openBrowser()
    await signIn(browser)
    const before = headersOf(browser)
    const planted = browser.cookies.get('sid')
    await signIn(browser)
    expect(browser.cookies.get('sid')).not.toBe(planted)
    expect((await core.get('/users/current', { headers: before })).status).toBe(401)
  })

  it('does not take a session id that somebody chose', async () => {
    const browser = await openBrowser()
    const chosen = 'A'.repeat(43)
    browser.cookies.set('sid', chosen)
    keep(browser, await core.get('/systeminfo', { headers: headersOf(browser) }))
    await signIn(browser)
    expect(browser.cookies.get('sid')).not.toBe(chosen)
    expect((await core.get('/users/current', { headers: { cookie: `sid=${chosen}` } })).status).toBe(401)
  })

  it('never redirects, whatever the address says', async () => {
    for (const target of ['//evil.example', 'https://evil.example', '\\\\evil.example', '/%2fevil.example']) {
      const browser = await openBrowser()
      const path = `/c/login?redirect_url=${encodeURIComponent(target)}`
      const reply = await core.post(path, { body: form('admin', ADMIN_PASSWORD), headers: headersOf(browser) })
      expect([reply.status, reply.headers.get('location')]).toEqual([200, null])
      const out = await core.get(`/c/log_out?redirect_url=${encodeURIComponent(target)}`)
      expect([out.status, out.headers.get('location')]).toEqual([200, null])
    }
  })

  it('ends with signing out', async () => {
    const browser = await openBrowser()
    await signIn(browser)
    const before = headersOf(browser)
    expect(keep(browser, await core.get('/c/log_out', { headers: before })).status).toBe(200)
    expect(browser.cookies.has('sid')).toBe(false)
    expect((await core.get('/users/current', { headers: before })).status).toBe(401)
  })

  it('keeps only the hash of a session id', async () => {
    const browser = await openBrowser()
    await signIn(browser)
    const client = new pg.Client({ connectionString: core.databaseUrl })
    await client.connect()
    const { rows } = await client.query('SELECT * FROM core.sessions')
    await client.end()
    expect(rows.length).toBeGreaterThan(0)
    expect(JSON.stringify(rows)).not.toContain(browser.cookies.get('sid'))
  })

  it('lives an hour from the last request, unless that says not to count', async () => {
    const browser = await openBrowser()
    await signIn(browser)
    const client = new pg.Client({ connectionString: core.databaseUrl })
    await client.connect()
    const age = () => client.query(`UPDATE core.sessions SET expires_at = now() + interval '10 minutes'`)
    const remaining = async () => {
      const { rows } = await client.query(
        'SELECT round(extract(epoch FROM max(expires_at) - now()) / 60)::int AS minutes FROM core.sessions',
      )
      return rows[0].minutes
    }
    await age()
    await core.get('/users/current', { headers: { ...headersOf(browser), 'X-Harbor-No-Session-Renewal': 'true' } })
    expect(await remaining()).toBe(10)
    await core.get('/users/current', { headers: headersOf(browser) })
    expect(await remaining()).toBe(60)
    await client.query(`UPDATE core.sessions SET expires_at = now() - interval '1 second'`)
    expect((await core.get('/users/current', { headers: headersOf(browser) })).status).toBe(401)
    await client.end()
  })

  it('ends everywhere else when the password changes', async () => {
    const user = { username: 'sue', email: 'sue@x.org', realname: 'Sue', password: 'Password1' }
    const created = await core.post('/users', { as: admin, body: user })
    const id = created.headers.get('location')?.split('/').at(-1)
    const [here, there] = [await openBrowser(), await openBrowser()]
    await signIn(here, 'sue', 'Password1')
    await signIn(there, 'sue', 'Password1')
    const body = { old_password: 'Password1', new_password: 'Password2' }
    const changed = await core.put(`/users/${id}/password`, { body, headers: headersOf(here) })
    expect(changed.status, changed.text).toBe(200)
    expect((await core.get('/users/current', { headers: headersOf(here) })).status).toBe(200)
    expect((await core.get('/users/current', { headers: headersOf(there) })).status).toBe(401)
    expect((await core.get('/users/current', { as: 'sue:Password1' })).status).toBe(401)
    expect((await core.get('/users/current', { as: 'sue:Password2' })).status).toBe(200)
  })
})

describe('a password that changes while somebody signs in with it', () => {
  async function make(username: string): Promise<string> {
    const body = person(username)
    const made = await core.post('/users', { as: admin, body })
    return made.headers.get('location')?.split('/').at(-1) ?? ''
  }
  const change = (id: string, as: string, body: object) => core.put(`/users/${id}/password`, { as, body })

  it('lets no session begin that would outlive it', async () => {
    const id = await make('tom')
    const database = openDatabase({ url: core.databaseUrl, service: 'core', schema: 'core', log: silentLogger })
    const sessions = createSessionSignIn(database, fixedSettings(), core.assembled.audit)
    const tom = { kind: 'user', id: Number(id), name: 'tom', admin: false, authRevision: 1 } as const
    expect(await sessions.find(await sessions.begin(tom, undefined), { renewal: false })).toMatchObject({ name: 'tom' })
    expect((await change(id, admin, { new_password: 'Password2' })).status).toBe(200)
    await expect(sessions.begin(tom, undefined)).rejects.toThrow(Unauthorized)
    expect(await sessions.begin({ ...tom, authRevision: 2 }, undefined)).toMatch(/^[\w-]{43}$/)
    await database.close()
  })

  it('is changed by one of two who know it', async () => {
    const id = await make('una')
    const replies = await Promise.all(
      ['Password2', 'Password3'].map((new_password) =>
        change(id, 'una:Password1', { old_password: 'Password1', new_password }),
      ),
    )
    expect(replies.map(({ status }) => status).toSorted()).toEqual([200, 403])
  })
})

describe('requests other sites make in a browser’s name', () => {
  const body = { project_name: 'forged' }

  it('are refused without the token, with a made-up one, and with one that does not belong to the cookie', async () => {
    const [browser, other] = [await openBrowser(), await openBrowser()]
    await signIn(browser)
    const { cookie } = headersOf(browser)
    for (const token of [undefined, 'made-up', other.token]) {
      const headers = { cookie: cookie ?? '', ...(token ? { 'X-Harbor-CSRF-Token': token } : {}) }
      const refused = await core.post('/projects', { body, headers })
      expect([refused.status, refused.text]).toEqual([403, expect.stringContaining('CSRF token invalid')])
    }
    expect((await core.post('/projects', { body, headers: headersOf(browser) })).status).toBe(201)
  })

  it('are refused at the login form too', async () => {
    const reply = await core.post('/c/login', { body: form('admin', ADMIN_PASSWORD) })
    expect(reply.status).toBe(403)
  })

  it('tell the gateway how basic credentials fared, and nothing where none were sent', async () => {
    const verdict = async (as?: string) => (await core.get('/users/current', { as })).headers.get('x-berth-credentials')
    expect(await verdict(`admin:${ADMIN_PASSWORD}`)).toBe('good')
    expect(await verdict('admin:Wrong-12345')).toBe('bad')
    expect(await verdict()).toBeNull()
  })

  it('are no worry of clients that sign in with each request', async () => {
    const created = await core.post('/projects', { as: admin, body: { project_name: 'by-client' } })
    expect(created.status).toBe(201)
    expect(created.headers.getSetCookie()).toEqual([])
  })

  it('are answered with a token that outlives signing in', async () => {
    const browser = await openBrowser()
    const { token } = browser
    await signIn(browser)
    const headers = { ...headersOf(browser), 'X-Harbor-CSRF-Token': token }
    expect((await core.post('/projects', { body: { project_name: 'same-token' }, headers })).status).toBe(201)
  })
})
