import { accessGrant } from '@berth/types'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMIN_PASSWORD, openSurroundings, type RunningCore, type Surroundings } from '../testing/harness.ts'
import { person } from '../testing/person.ts'
import { query } from '../testing/query.ts'

let surroundings: Surroundings
let core: RunningCore
const admin = `admin:${ADMIN_PASSWORD}`
const ann = 'ann:Password1'
let annId: number

beforeAll(async () => {
  surroundings = await openSurroundings()
  core = await surroundings.startCore()
  annId = await makeUser('ann')
  await core.post('/projects', { as: admin, body: { project_name: 'closed' } })
}, 60_000)
afterAll(async () => {
  expect(core?.errors.map(({ fields }) => fields?.err)).toEqual([])
  await core?.stop()
  await surroundings?.stop()
}, 30_000)

async function makeUser(username: string): Promise<number> {
  const body = person(username)
  return idOf(await core.post('/users', { as: admin, body }))
}

function idOf({ status, headers, text }: { status: number; headers: Headers; text: string }): number {
  expect(status, text).toBe(201)
  return Number(headers.get('location')?.split('/').at(-1))
}

async function makeGroup(group_name: string, group_type = 3): Promise<number> {
  return idOf(await core.post('/usergroups', { as: admin, body: { group_name, group_type } }))
}

/** As a directory or provider does when somebody signs in. */
const join = (group: number, user: number) =>
  query(core, 'INSERT INTO core.group_people (group_id, user_id) VALUES ($1, $2)', [group, user])

describe('groups', () => {
  it('are made, shown, renamed and deleted by administrators', async () => {
    const id = await makeGroup('devs')
    expect((await core.get(`/usergroups/${id}`, { as: admin })).body).toEqual({
      id,
      group_name: 'devs',
      group_type: 3,
    })
    expect((await core.put(`/usergroups/${id}`, { as: admin, body: { group_name: 'developers' } })).status).toBe(200)
    expect((await core.get(`/usergroups/${id}`, { as: admin })).body).toMatchObject({ group_name: 'developers' })
    expect((await core.delete(`/usergroups/${id}`, { as: admin })).status).toBe(200)
    for (const method of ['get', 'delete'] as const) {
      expect((await core[method](`/usergroups/${id}`, { as: admin })).status).toBe(404)
    }
    expect((await core.put(`/usergroups/${id}`, { as: admin, body: { group_name: 'x' } })).status).toBe(404)
  })

  it('leave a line in the audit log with each change', async () => {
    const id = await makeGroup('audited')
    await core.put(`/usergroups/${id}`, { as: admin, body: { group_name: 'renamed' } })
    await core.delete(`/usergroups/${id}`, { as: admin })
    const rows = await query(
      core,
      `SELECT username, operation, resource, description FROM core.audit_log
        WHERE resource_type = 'usergroup' AND resource IN ('audited', 'renamed') ORDER BY id`,
    )
    expect(rows).toEqual([
      { username: 'admin', operation: 'create', resource: 'audited', description: '' },
      { username: 'admin', operation: 'update', resource: 'renamed', description: 'was audited' },
      { username: 'admin', operation: 'delete', resource: 'renamed', description: '' },
    ])
  })

  it('are nobody else’s business, but for their names', async () => {
    const id = await makeGroup('seen')
    for (const [as, status] of [
      [ann, 403],
      [undefined, 401],
    ] as const) {
      expect((await core.get('/usergroups', { as })).status).toBe(status)
      expect((await core.get(`/usergroups/${id}`, { as })).status).toBe(status)
      expect((await core.get('/usergroups/99999', { as })).status).toBe(status)
      expect((await core.post('/usergroups', { as, body: { group_name: 'x', group_type: 3 } })).status).toBe(status)
      expect((await core.put(`/usergroups/${id}`, { as, body: { group_name: 'x' } })).status).toBe(status)
      expect((await core.delete(`/usergroups/${id}`, { as })).status).toBe(status)
    }
    const found = await core.get('/usergroups/search?groupname=EE', { as: ann })
    expect(found.body).toEqual([{ id, group_name: 'seen', group_type: 3 }])
    expect((await core.get('/usergroups/search', { as: ann })).status).toBe(400)
    expect((await core.get('/usergroups/search?groupname=', { as: ann })).status).toBe(400)
    expect((await core.get('/usergroups/search?groupname=s')).status).toBe(401)
  })

  it('are listed by page, name and distinguished name', async () => {
    const body = { group_name: 'ops', group_type: 1, ldap_group_dn: 'CN=Ops, OU=Groups, DC=x' }
    const id = idOf(await core.post('/usergroups', { as: admin, body }))
    const byDn = await core.get(`/usergroups?ldap_group_dn=${encodeURIComponent('cn=ops,ou=groups,DC=X')}`, {
      as: admin,
    })
    expect(byDn.body).toEqual([{ id, group_name: 'ops', group_type: 1, ldap_group_dn: 'cn=ops,ou=groups,dc=x' }])
    for (const name of ['page-a', 'page-b', 'page-c']) await makeGroup(name)
    const page = await core.get('/usergroups?group_name=PAGE-&page_size=2', { as: admin })
    expect((page.body as { group_name: string }[]).map(({ group_name }) => group_name)).toEqual(['page-a', 'page-b'])
    expect(page.headers.get('x-total-count')).toBe('3')
    expect(page.headers.get('link')).toContain('rel="next"')
    for (const evil of ["x' OR '1'='1", '%', '_', '\\']) {
      const none = await core.get(`/usergroups?group_name=${encodeURIComponent(evil)}`, { as: admin })
      expect([none.status, none.body]).toEqual([200, []])
    }
  })

  it('of a kind have names of their own, those of a directory distinguished names', async () => {
    await makeGroup('twice')
    await makeGroup('twice', 2)
    const post = async (body: object) => (await core.post('/usergroups', { as: admin, body })).status
    expect(await post({ group_name: 'twice', group_type: 3 })).toBe(409)
    const dn = { group_type: 1, ldap_group_dn: 'cn=one,dc=x' }
    expect(await post({ ...dn, group_name: 'one' })).toBe(201)
    expect(await post({ ...dn, group_name: 'other' })).toBe(409)
    expect(await post({ group_name: 'one', group_type: 1, ldap_group_dn: 'cn=other,dc=x' })).toBe(201)
    const other = await makeGroup('thrice')
    expect((await core.put(`/usergroups/${other}`, { as: admin, body: { group_name: 'twice' } })).status).toBe(409)
    for (const bad of [
      {},
      { group_name: 'x' },
      { group_name: 'x', group_type: 9 },
      { group_name: 'x', group_type: 1 },
    ]) {
      expect(await post(bad)).toBe(400)
    }
  })
})

describe('a group in a project', () => {
  const roleOf = async (as: string) =>
    ((await core.get('/projects/closed', { as })).body as { current_user_role_ids?: number[] }).current_user_role_ids

  it('gives its people its role, beside the one they have themselves, until either is gone', async () => {
    const group = await makeGroup('givers')
    const body = { role_id: 3, member_group: { id: group } }
    const member = idOf(await core.post('/projects/closed/members', { as: admin, body }))
    expect((await core.get('/projects/closed', { as: ann })).status).toBe(403)
    await join(group, annId)
    expect(await roleOf(ann)).toEqual([3])
    expect((await core.get('/projects?name=closed', { as: ann })).headers.get('x-total-count')).toBe('1')
    const own = { role_id: 2, member_user: { username: 'ann' } }
    const mine = idOf(await core.post('/projects/closed/members', { as: admin, body: own }))
    expect((await roleOf(ann))?.toSorted()).toEqual([2, 3])
    await core.put(`/projects/closed/members/${member}`, { as: admin, body: { role_id: 4 } })
    expect((await roleOf(ann))?.toSorted()).toEqual([2, 4])
    await core.delete(`/projects/closed/members/${mine}`, { as: admin })
    expect(await roleOf(ann)).toEqual([4])
    const { peers } = surroundings
    peers.put.length = 0
    expect((await core.delete(`/usergroups/${group}`, { as: admin })).status).toBe(200)
    expect(peers.put.map(({ name }) => name)).toEqual(['closed'])
    expect((await core.get('/projects/closed', { as: ann })).status).toBe(403)
    expect((await core.get(`/projects/closed/members/${member}`, { as: admin })).status).toBe(404)
  })

  it('gives registry tokens too', async () => {
    const group = await makeGroup('pushers')
    await core.post('/projects/closed/members', { as: admin, body: { role_id: 2, member_group: { id: group } } })
    await join(group, annId)
    const token = await surroundings.connect('token')
    const credentials = { kind: 'basic' as const, username: 'ann', password: 'Password1' }
    const scopes = [{ type: 'repository', name: 'closed/app', actions: ['pull', 'push', 'delete'] }]
    const { access } = await token.ask(accessGrant, { credentials, scopes })
    expect(access[0]?.actions).toEqual(['pull', 'push'])
    await token.close()
    await core.delete(`/usergroups/${group}`, { as: admin })
  })

  it('loses somebody who is deleted, and the tokens they hold through it', async () => {
    const id = await makeUser('gone')
    const group = await makeGroup('leavers')
    await core.post('/projects/closed/members', { as: admin, body: { role_id: 2, member_group: { id: group } } })
    await join(group, id)
    surroundings.peers.put.length = 0
    expect((await core.delete(`/users/${id}`, { as: admin })).status).toBe(200)
    expect(surroundings.peers.put.map(({ name }) => name)).toEqual(['closed'])
    expect(await query(core, 'SELECT FROM core.group_people WHERE group_id = $1', [group])).toEqual([])
  })
})

describe('somebody who is deleted while they become a member', () => {
  it('is one and goes, or is none', async () => {
    const add = (body: object) => core.post('/projects/closed/members', { as: admin, body: { role_id: 3, ...body } })
    const statuses = new Set<number>()
    for (let round = 0; round < 5; round++) {
      const user = await makeUser(`short${round}`)
      const group = await makeGroup(`short${round}`)
      const replies = await Promise.all([
        add({ member_user: { user_id: user } }),
        core.delete(`/users/${user}`, { as: admin }),
        add({ member_group: { id: group } }),
        core.delete(`/usergroups/${group}`, { as: admin }),
      ])
      const [added, , groupAdded] = replies
      for (const { status } of [added, groupAdded]) if (status !== 404) statuses.add(status)
      expect(replies.filter((_, at) => at % 2 === 1).map(({ status }) => status)).toEqual([200, 200])
    }
    expect([...statuses].filter((status) => status !== 201)).toEqual([])
    const list = await core.get('/projects/closed/members?entityname=short', { as: admin })
    expect(list.body).toEqual([])
  })
})

describe('an administrator by a group', () => {
  it('may what one by their own flag may, in sessions and with passwords, and shows as such', async () => {
    const id = await makeUser('boss')
    const boss = 'boss:Password1'
    expect((await core.get('/users', { as: boss })).status).toBe(403)
    await query(core, 'UPDATE core.users SET group_admin = true WHERE id = $1', [id])
    expect((await core.get('/users', { as: boss })).status).toBe(200)
    expect((await core.get('/users/current', { as: boss })).body).toMatchObject({
      sysadmin_flag: false,
      admin_role_in_auth: true,
    })
    await query(core, 'UPDATE core.users SET group_admin = false WHERE id = $1', [id])
    expect((await core.get('/users', { as: boss })).status).toBe(403)
  })
})
