import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMIN_PASSWORD, openSurroundings, type RunningCore, type Surroundings } from '../testing/harness.ts'
import { type LdapDouble, type LdapEntry, startLdapDouble } from '../testing/ldap-double.ts'

const BASE = 'dc=example,dc=org'
const SECRET = 'canary-search-password'
const admin = `admin:${ADMIN_PASSWORD}`
const groupDn = (cn: string) => `cn=${cn},ou=groups,${BASE}`
const person = (uid: string, ...groups: string[]): LdapEntry => ({
  dn: `uid=${uid},ou=people,${BASE}`,
  password: `${uid}-password`,
  attributes: {
    uid,
    cn: `${uid} Example`,
    mail: `${uid}@example.org`,
    entryUUID: `id-of-${uid}`,
    objectClass: 'person',
    memberOf: groups.map(groupDn),
  },
})
const group = (cn: string, ...memberOf: string[]): LdapEntry => ({
  dn: groupDn(cn),
  attributes: { cn, objectClass: 'groupOfNames', memberOf: memberOf.map(groupDn) },
})

let surroundings: Surroundings
let core: RunningCore
let double: LdapDouble
let settings: Record<string, unknown>

beforeAll(async () => {
  surroundings = await openSurroundings()
  double = await startLdapDouble({
    entries: [
      { dn: `cn=reader,${BASE}`, password: SECRET, attributes: {} },
      person('ada', 'devs'),
      person('bob'),
      person('cleo', 'chiefs'),
      person('admin'),
      group('devs', 'staff'),
      group('staff'),
      group('chiefs'),
    ],
  })
  double.searchers = [`cn=reader,${BASE}`]
  core = await surroundings.startCore({ BERTH_EGRESS_ALLOW: '127.0.0.1' })
  settings = {
    ldap_url: `ldap://127.0.0.1:${double.port}`,
    ldap_base_dn: BASE,
    ldap_uid: 'uid',
    ldap_filter: '(objectClass=person)',
    ldap_search_dn: `cn=reader,${BASE}`,
    ldap_search_password: SECRET,
    ldap_group_base_dn: `ou=groups,${BASE}`,
    ldap_group_search_filter: 'objectClass=groupOfNames',
    ldap_group_admin_dn: `CN=Chiefs,OU=groups,${BASE}`,
  }
})
afterAll(async () => {
  expect(core?.errors.map(({ fields }) => fields?.err)).toEqual([])
  await core?.stop()
  await double?.stop()
  await surroundings?.stop()
}, 30_000)

const configure = async (values: Record<string, unknown>) => {
  const answer = await core.put('/configurations', { as: admin, body: values })
  expect(answer.status, answer.text).toBe(200)
}
const current = (as: string) => core.get('/users/current', { as })
const ping = async (body?: object) => {
  const answer = await core.post('/ldap/ping', { as: admin, body })
  expect(answer.status, answer.text).toBe(200)
  return answer.body as { success: boolean; message: string }
}

describe('before people sign in with it, a directory', () => {
  it('must be configured to be asked', async () => {
    expect(await ping()).toEqual({ success: false, message: 'ldap_url is not set' })
    expect((await core.get('/ldap/users/search', { as: admin })).status).toBe(400)
    expect((await core.get('/ldap/groups/search', { as: admin })).status).toBe(400)
  })

  it('can be tried with settings that are sent, and then be configured', async () => {
    const body = { ldap_url: settings.ldap_url, ldap_search_dn: settings.ldap_search_dn, ldap_search_password: SECRET }
    expect(await ping(body)).toEqual({ success: true, message: '' })
    expect((await ping({ ...body, ldap_search_password: 'wrong' })).success).toBe(false)
    await configure(settings)
    expect(await ping()).toEqual({ success: true, message: '' })
  })

  it('is given its own password only, whatever server a ping names (fixed in Harbor as #23463)', async () => {
    const listener = await startLdapDouble({})
    const before = double.binds.length
    for (const body of [
      { ldap_url: `ldap://127.0.0.1:${listener.port}` },
      { ldap_url: `ldap://127.0.0.1:${listener.port}`, ldap_search_dn: settings.ldap_search_dn as string },
      { ldap_search_dn: 'cn=other' },
      { ldap_verify_cert: false },
    ]) {
      const { success, message } = await ping(body)
      expect([success, message]).toEqual([false, expect.stringContaining('ldap_search_password must be sent')])
    }
    expect([listener.binds, listener.connections, double.binds.length]).toEqual([[], 0, before])
    await listener.stop()
  })

  it('is not looked for where the egress rules refuse it (GHSA-2phj-cp9f-qq6w)', async () => {
    for (const host of ['127.0.0.2', '[::1]', '169.254.169.254']) {
      const body = { ldap_url: `ldap://${host}:${double.port}`, ldap_search_dn: '', ldap_search_password: '' }
      expect(await ping(body)).toEqual({ success: false, message: expect.stringContaining('are not allowed') })
    }
  })

  it('makes no users', async () => {
    expect((await core.post('/ldap/users/import', { as: admin, body: { ldap_uid_list: ['ada'] } })).status).toBe(412)
    expect((await current('ada:ada-password')).status).toBe(401)
  })
})

describe('with a directory', () => {
  beforeAll(() => configure({ auth_mode: 'ldap_auth' }))

  it('people sign in, and are users from then on', async () => {
    const { status, body } = await current('ada:ada-password')
    expect(status).toBe(200)
    expect(body).toMatchObject({
      username: 'ada',
      email: 'ada@example.org',
      realname: 'ada Example',
      sysadmin_flag: false,
    })
    expect((await current('ada:wrong')).status).toBe(401)
    expect((await current('ada:')).status).toBe(401)
    expect((await current('nobody:ada-password')).status).toBe(401)
    expect((await current('*:ada-password')).status).toBe(401)
  })

  it('the administrator keeps to the password kept here (GHSA-xvh7-74g6-29xw)', async () => {
    expect((await current('admin:admin-password')).status).toBe(401)
    expect((await current('ADMIN:admin-password')).status).toBe(401)
    expect((await current(admin)).body).toMatchObject({ user_id: 1, sysadmin_flag: true })
  })

  it('the group of administrators makes some', async () => {
    expect((await core.get('/users', { as: 'cleo:cleo-password' })).status).toBe(200)
    expect((await core.get('/users', { as: 'ada:ada-password' })).status).toBe(403)
  })

  it('only who may asks about people and groups', async () => {
    const calls = (as?: string) =>
      Promise.all([
        core.post('/ldap/ping', { as }),
        core.get('/ldap/users/search', { as }),
        core.get('/ldap/groups/search', { as }),
        core.post('/ldap/users/import', { as, body: { ldap_uid_list: ['bob'] } }),
      ])
    expect((await calls()).map(({ status }) => status)).toEqual([401, 401, 401, 401])
    expect((await calls('ada:ada-password')).map(({ status }) => status)).toEqual([403, 403, 403, 403])
  })

  it('people are found by name, or all of them', async () => {
    const found = await core.get('/ldap/users/search?username=ada', { as: admin })
    expect(found.body).toEqual([{ username: 'ada', realname: 'ada Example', email: 'ada@example.org' }])
    expect((await core.get('/ldap/users/search?username=a*', { as: admin })).body).toEqual([])
    expect((await core.get('/ldap/users/search', { as: admin })).body).toHaveLength(4)
  })

  it('groups are found by part of their name, or by their DN in any form', async () => {
    const byName = await core.get('/ldap/groups/search?groupname=ta', { as: admin })
    expect(byName.body).toEqual([{ group_name: 'staff', group_type: 1, ldap_group_dn: groupDn('staff') }])
    const dn = encodeURIComponent(`CN=Devs, OU=Groups,${BASE}`)
    const byDn = await core.get(`/ldap/groups/search?groupdn=${dn}`, { as: admin })
    expect(byDn.body).toEqual([{ group_name: 'devs', group_type: 1, ldap_group_dn: groupDn('devs') }])
    expect((await core.get('/ldap/groups/search?groupdn=nothing', { as: admin })).status).toBe(400)
    const person = encodeURIComponent(`uid=ada,ou=people,${BASE}`)
    expect((await core.get(`/ldap/groups/search?groupdn=${person}`, { as: admin })).body).toEqual([])
  })

  it('people are imported, as far as there is somebody', async () => {
    const answer = await core.post('/ldap/users/import', {
      as: admin,
      body: { ldap_uid_list: ['bob', ' ada ', 'nobody', '', 'admin'] },
    })
    expect(answer.status).toBe(404)
    expect(answer.body).toEqual([
      { uid: 'nobody', error: 'unknown_user' },
      { uid: '', error: 'empty_uid' },
      { uid: 'admin', error: 'the user name is taken by somebody else' },
    ])
    const { body } = await core.get('/users?q=username%3Dbob', { as: admin })
    expect(body).toMatchObject([{ username: 'bob' }])
    const again = await core.post('/ldap/users/import', { as: admin, body: { ldap_uid_list: ['bob'] } })
    expect([again.status, again.text]).toEqual([200, ''])
  })

  it('groups are members of projects through groups, until somebody leaves them (CVE-2025-23208)', async () => {
    await core.post('/projects', { as: admin, body: { project_name: 'inner' } })
    const seen = async (as: string) => (await core.get('/projects/inner', { as })).status
    expect(await seen('ada:ada-password')).toBe(403)
    const member = { role_id: 2, member_group: { ldap_group_dn: `cn=Staff, ou=groups,${BASE}`, group_type: 1 } }
    expect((await core.post('/projects/inner/members', { as: admin, body: member })).status).toBe(201)
    expect(await seen('ada:ada-password')).toBe(200)
    const [ada] = double.entries.filter(({ dn }) => dn.startsWith('uid=ada'))
    Object.assign(ada ?? {}, person('ada'), { password: 'new-password' })
    expect(await seen('ada:new-password')).toBe(403)
  })

  it('somebody who was never here becomes a member', async () => {
    double.entries.push(person('dora'))
    const post = (username: string) =>
      core.post('/projects/inner/members', { as: admin, body: { role_id: 3, member_user: { username } } })
    expect((await post('dora')).status).toBe(201)
    expect((await post('nobody')).status).toBe(404)
    expect((await core.get('/projects/inner', { as: 'dora:dora-password' })).status).toBe(200)
  })

  it('its passwords are in no answer, no audit and no table of ours (GHSA-prh4-vhfh-24mj)', async () => {
    const client = new pg.Client({ connectionString: core.databaseUrl })
    await client.connect()
    for (const table of ['users', 'audit_log', 'settings', 'identities', 'outbox']) {
      const { rows } = await client.query(`SELECT * FROM core.${table}`)
      for (const secret of [SECRET, 'ada-password', 'new-password']) expect(JSON.stringify(rows)).not.toContain(secret)
    }
    await client.end()
    expect((await core.get('/configurations', { as: admin })).text).not.toContain(SECRET)
  })

  it('that has gone away, those it let in lately and the administrator go on, others hear so', async () => {
    expect((await current('bob:bob-password')).status).toBe(200)
    await double.stop()
    expect((await current('bob:bob-password')).status).toBe(200)
    expect((await current(admin)).status).toBe(200)
    const refused = await current('cleo:other-password')
    expect([refused.status, refused.text]).toEqual([503, expect.stringContaining('the directory cannot be asked')])
    expect((await ping()).success).toBe(false)
    expect((await core.get('/ldap/users/search', { as: admin })).status).toBe(503)
  })
})
