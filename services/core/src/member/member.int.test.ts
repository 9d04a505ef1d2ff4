import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMIN_PASSWORD, openSurroundings, type RunningCore, type Surroundings } from '../testing/harness.ts'
import { person } from '../testing/person.ts'
import { query } from '../testing/query.ts'

let surroundings: Surroundings
let core: RunningCore
const admin = `admin:${ADMIN_PASSWORD}`
const ids: Record<string, number> = {}
const as = (name: string) => `${name}:Password1`

beforeAll(async () => {
  surroundings = await openSurroundings()
  core = await surroundings.startCore()
  for (const username of ['ann', 'bob', 'carl', 'dora']) {
    const body = person(username)
    const created = await core.post('/users', { as: admin, body })
    ids[username] = Number(created.headers.get('location')?.split('/').at(-1))
  }
  for (const project_name of ['one', 'two']) await core.post('/projects', { as: as('ann'), body: { project_name } })
})
afterAll(async () => {
  expect(core?.errors.map(({ fields }) => fields?.err)).toEqual([])
  await core?.stop()
  await surroundings?.stop()
}, 30_000)

async function add(project: string, username: string, role_id: number, by = as('ann')): Promise<number> {
  const added = await core.post(`/projects/${project}/members`, {
    as: by,
    body: { role_id, member_user: { username } },
  })
  expect(added.status, added.text).toBe(201)
  return Number(added.headers.get('location')?.replace(`/api/v2.0/projects/${project}/members/`, ''))
}

describe('members', () => {
  it('are added by name or id, shown, filtered and counted', async () => {
    const id = await add('one', 'bob', 2)
    const body = { role_id: 3, member_user: { user_id: ids.carl } }
    expect((await core.post('/projects/one/members', { as: as('ann'), body })).status).toBe(201)
    expect((await core.get(`/projects/one/members/${id}`, { as: as('ann') })).body).toMatchObject({
      id,
      entity_name: 'bob',
      entity_id: ids.bob,
      entity_type: 'u',
      role_id: 2,
      role_name: 'developer',
    })
    const list = await core.get('/projects/one/members?page_size=2', { as: as('bob') })
    expect(list.headers.get('x-total-count')).toBe('3')
    expect(list.headers.get('link')).toBe('</api/v2.0/projects/one/members?page=2&page_size=2>; rel="next"')
    const found = await core.get('/projects/one/members?entityname=AR', { as: as('ann') })
    expect(found.body).toMatchObject([{ entity_name: 'carl', role_name: 'guest' }])
    expect((await core.get('/projects/one/summary', { as: as('ann') })).body).toMatchObject({
      project_admin_count: 1,
      developer_count: 1,
      guest_count: 1,
    })
  })

  it('can do what their role lets them from the next request on', async () => {
    const id = await add('two', 'bob', 5)
    const members = () => core.get('/projects/two/members', { as: as('bob') })
    expect((await members()).status).toBe(403)
    const role = (role_id: number) => core.put(`/projects/two/members/${id}`, { as: as('ann'), body: { role_id } })
    expect((await role(3)).status).toBe(200)
    expect((await members()).status).toBe(200)
    expect((await core.get('/projects/two', { as: as('bob') })).body).toMatchObject({
      current_user_role_id: 3,
      togglable: false,
    })
    expect((await core.delete(`/projects/two/members/${id}`, { as: as('ann') })).status).toBe(200)
    expect((await members()).status).toBe(403)
    expect((await core.get(`/projects/two/members/${id}`, { as: as('ann') })).status).toBe(404)
  })

  it('raise the access revision of their project with every change', async () => {
    const { put } = surroundings.peers
    put.length = 0
    const id = await add('two', 'dora', 2)
    await core.put(`/projects/two/members/${id}`, { as: as('ann'), body: { role_id: 3 } })
    await core.delete(`/projects/two/members/${id}`, { as: as('ann') })
    const [first, ...more] = put.map(({ name, accessRevision }) => [name, accessRevision] as const)
    expect(first?.[0]).toBe('two')
    const from = first?.[1] ?? 0
    expect(more).toEqual([
      ['two', from + 1],
      ['two', from + 2],
    ])
  })

  it('are changed by administrators of the project alone', async () => {
    const id = await add('one', 'dora', 4)
    const body = { role_id: 1, member_user: { username: 'dora' } }
    for (const who of ['dora', 'bob', 'carl']) {
      expect((await core.post('/projects/one/members', { as: as(who), body })).status).toBe(403)
      expect((await core.put(`/projects/one/members/${id}`, { as: as(who), body: { role_id: 1 } })).status).toBe(403)
      expect((await core.delete(`/projects/one/members/${id}`, { as: as(who) })).status).toBe(403)
    }
    expect((await core.post('/projects/one/members', { body })).status).toBe(401)
  })

  it('refuses what cannot be a member', async () => {
    const post = async (body: object) => (await core.post('/projects/one/members', { as: as('ann'), body })).status
    expect(await post({ role_id: 2, member_user: { username: 'bob' } })).toBe(409)
    expect(await post({ role_id: 9, member_user: { username: 'admin' } })).toBe(400)
    expect(await post({ member_user: { username: 'admin' } })).toBe(400)
    expect(await post({ role_id: 2 })).toBe(400)
    expect(await post({ role_id: 2, member_user: { username: 'nobody' } })).toBe(404)
    expect(await post({ role_id: 2, member_group: {} })).toBe(400)
    expect(await post({ role_id: 2, member_group: { group_name: 'devs' } })).toBe(404)
    expect(await post({ role_id: 2, member_group: { group_name: 'devs', group_type: 9 } })).toBe(400)
    expect(await post({ role_id: 2, member_group: { id: 99_999 } })).toBe(404)
    expect(await post({ role_id: 2, member_group: { ldap_group_dn: 'cn=devs,dc=x' } })).toBe(404)
    expect(await post({ role_id: 2, member_group: { ldap_group_dn: 'nonsense' } })).toBe(400)
  })

  it('of another project cannot be reached through one’s own (CVE-2022-31666 and its kin)', async () => {
    await core.post('/projects', { as: as('carl'), body: { project_name: 'carls' } })
    const { body } = await core.get('/projects/one/members?entityname=bob', { as: as('ann') })
    const [{ id }] = body as [{ id: number }]
    const foreign = `/projects/carls/members/${id}`
    expect((await core.get(foreign, { as: as('carl') })).status).toBe(404)
    expect((await core.put(foreign, { as: as('carl'), body: { role_id: 1 } })).status).toBe(404)
    expect((await core.delete(foreign, { as: as('carl') })).status).toBe(404)
    expect((await core.get(`/projects/one/members/${id}`, { as: as('ann') })).body).toMatchObject({ role_id: 2 })
  })

  it('may be groups, by id, name or distinguished name', async () => {
    const make = async (body: object) => {
      const made = await core.post('/usergroups', { as: admin, body })
      return Number(made.headers.get('location')?.split('/').at(-1))
    }
    const devs = await make({ group_name: 'devs', group_type: 3 })
    const ops = await make({ group_name: 'ops', group_type: 1, ldap_group_dn: 'cn=ops,ou=groups,dc=x' })
    const post = (member_group: object) =>
      core.post('/projects/one/members', { as: as('ann'), body: { role_id: 3, member_group } })
    const added = await post({ group_name: 'devs', group_type: 3 })
    expect(added.status, added.text).toBe(201)
    for (const again of [{ id: devs }, { group_name: 'devs' }]) expect((await post(again)).status).toBe(409)
    expect((await post({ ldap_group_dn: 'CN=ops, ou=Groups, dc=x' })).status).toBe(201)
    const list = await core.get('/projects/one/members?entityname=s&page_size=100', { as: as('ann') })
    expect((list.body as { entity_type: string }[]).filter(({ entity_type }) => entity_type === 'g')).toMatchObject([
      { entity_name: 'devs', entity_id: devs, role_name: 'guest' },
      { entity_name: 'ops', entity_id: ops, role_id: 3 },
    ])
  })

  it('of a group the provider may name are made when they become members', async () => {
    await core.set({ auth_mode: 'oidc_auth' })
    try {
      const body = { role_id: 3, member_group: { group_name: 'from-provider', group_type: 3 } }
      expect((await core.post('/projects/one/members', { as: admin, body })).status).toBe(201)
      const found = await core.get('/usergroups?group_name=from-provider', { as: admin })
      expect(found.body).toMatchObject([{ group_name: 'from-provider', group_type: 3 }])
    } finally {
      await core.set({ auth_mode: 'db_auth' })
    }
  })

  it('leave a line in the audit log of their project with each change', async () => {
    await core.post('/projects', { as: as('ann'), body: { project_name: 'audited' } })
    const id = await add('audited', 'bob', 2)
    await core.put(`/projects/audited/members/${id}`, { as: as('ann'), body: { role_id: 4 } })
    await core.delete(`/projects/audited/members/${id}`, { as: as('ann') })
    const rows = await query(
      core,
      `SELECT a.username, a.operation, a.resource, a.description FROM core.audit_log a
         JOIN core.projects p ON p.id = a.project_id WHERE p.name = 'audited' AND a.resource_type = 'member' ORDER BY a.id`,
    )
    expect(rows).toEqual([
      { username: 'ann', operation: 'create', resource: 'bob', description: 'user as developer' },
      { username: 'ann', operation: 'update', resource: 'bob', description: 'role developer to maintainer' },
      { username: 'ann', operation: 'delete', resource: 'bob', description: 'user, was maintainer' },
    ])
  })

  it('of a public project are not shown to the public', async () => {
    expect((await core.get('/projects/library/members')).status).toBe(401)
    expect((await core.get('/projects/library/members', { as: as('bob') })).status).toBe(403)
  })
})
