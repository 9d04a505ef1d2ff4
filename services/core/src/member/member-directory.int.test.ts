import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMIN_PASSWORD, openSurroundings, type RunningCore, type Surroundings } from '../testing/harness.ts'
import { type LdapDouble, startLdapDouble } from '../testing/ldap-double.ts'

let surroundings: Surroundings
let core: RunningCore
let double: LdapDouble
const admin = `admin:${ADMIN_PASSWORD}`
const BASE = 'dc=example,dc=org'
const DEVS = `cn=Devs,ou=groups,${BASE}`

beforeAll(async () => {
  double = await startLdapDouble({
    entries: [
      { dn: `cn=reader,${BASE}`, password: 'reader-secret', attributes: {} },
      {
        dn: `uid=ada,ou=people,${BASE}`,
        password: 'Ada-password1',
        attributes: { uid: 'ada', cn: 'Ada Example', mail: 'ada@example.org', memberof: [DEVS] },
      },
      { dn: DEVS, attributes: { cn: 'Devs', objectClass: 'groupOfNames', member: [`uid=ada,ou=people,${BASE}`] } },
    ],
  })
  surroundings = await openSurroundings()
  core = await surroundings.startCore({ BERTH_EGRESS_ALLOW: '127.0.0.1' })
  await core.set({
    auth_mode: 'ldap_auth',
    ldap_url: `ldap://127.0.0.1:${double.port}`,
    ldap_base_dn: BASE,
    ldap_uid: 'uid',
    ldap_search_dn: `cn=reader,${BASE}`,
    ldap_search_password: 'reader-secret',
    ldap_group_base_dn: `ou=groups,${BASE}`,
    ldap_group_search_filter: 'objectClass=groupOfNames',
    ldap_group_attribute_name: 'cn',
  })
  await core.post('/projects', { as: admin, body: { project_name: 'closed' } })
}, 60_000)
afterAll(async () => {
  expect(core?.errors.map(({ fields }) => fields?.err)).toEqual([])
  await core?.stop()
  await surroundings?.stop()
  await double?.stop()
}, 30_000)

const add = (body: object) => core.post('/projects/closed/members', { as: admin, body })

describe('members from a directory', () => {
  it('need not have been here before', async () => {
    const added = await add({ role_id: 2, member_user: { username: 'ada' } })
    expect(added.status, added.text).toBe(201)
    expect((await core.get('/users?q=username=ada', { as: admin })).body).toMatchObject([{ email: 'ada@example.org' }])
    expect((await core.get('/projects/closed', { as: 'ada:Ada-password1' })).body).toMatchObject({
      current_user_role_ids: [2],
    })
    expect((await add({ role_id: 2, member_user: { username: 'nobody' } })).status).toBe(404)
  })

  it('may be groups of it, which give their people their role at the next sign-in', async () => {
    const added = await add({ role_id: 4, member_group: { ldap_group_dn: DEVS } })
    expect(added.status, added.text).toBe(201)
    const { body } = await core.get('/usergroups', { as: admin })
    expect(body).toMatchObject([{ group_name: 'Devs', group_type: 1, ldap_group_dn: DEVS.toLowerCase() }])
    expect((await add({ role_id: 4, member_group: { ldap_group_dn: `cn=none,ou=groups,${BASE}` } })).status).toBe(404)
    expect((await core.get('/projects/closed', { as: 'ada:Ada-password1' })).body).toMatchObject({
      current_user_role_ids: expect.arrayContaining([2, 4]),
    })
  })

  it('are groups the directory has, under the name it has for them', async () => {
    const post = (body: object) => core.post('/usergroups', { as: admin, body })
    const unknown = { group_name: 'x', group_type: 1, ldap_group_dn: `cn=none,ou=groups,${BASE}` }
    expect((await post(unknown)).status).toBe(400)
    expect((await post({ group_name: 'mine', group_type: 1, ldap_group_dn: DEVS })).status).toBe(409)
  })
})

describe('people of a directory', () => {
  it('are kept there: neither made nor changed here, but for the admin', async () => {
    const user = { username: 'new', email: 'new@x.org', realname: 'New', password: 'Password1' }
    expect((await core.post('/users', { as: admin, body: user })).status).toBe(403)
    const profile = { email: 'other@x.org', realname: 'Other', comment: '' }
    const { body } = await core.get('/users?q=username=ada', { as: admin })
    const [{ user_id: id }] = body as [{ user_id: number }]
    for (const as of ['ada:Ada-password1', admin]) {
      expect((await core.put(`/users/${id}`, { as, body: profile })).status).toBe(403)
      const password = { old_password: 'Ada-password1', new_password: 'Password2' }
      expect((await core.put(`/users/${id}/password`, { as, body: password })).status).toBe(403)
    }
    expect((await core.put('/users/1', { as: admin, body: profile })).status).toBe(200)
  })
})
