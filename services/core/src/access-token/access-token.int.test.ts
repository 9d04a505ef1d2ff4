import { accessGrant } from '@berth/types'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMIN_PASSWORD, openSurroundings, type RunningCore, type Surroundings } from '../testing/harness.ts'
import { person } from '../testing/person.ts'
import { query } from '../testing/query.ts'

let surroundings: Surroundings
let core: RunningCore
const admin = `admin:${ADMIN_PASSWORD}`
const ann = 'ann:Password1'
const bob = 'bob:Password1'
const BASE = '/api/berth/v1/access-tokens'
const projects: Record<string, number> = {}

beforeAll(async () => {
  surroundings = await openSurroundings()
  core = await surroundings.startCore()
  for (const username of ['ann', 'bob']) {
    const body = person(username)
    await core.post('/users', { as: admin, body })
  }
  for (const project_name of ['mine', 'other']) {
    const { headers } = await core.post('/projects', { as: ann, body: { project_name } })
    projects[project_name] = Number(headers.get('location')?.split('/').at(-1))
  }
  await core.post('/projects', { as: bob, body: { project_name: 'bobs' } })
}, 60_000)
afterAll(async () => {
  expect(core?.errors.map(({ fields }) => fields?.err)).toEqual([])
  await core?.stop()
  await surroundings?.stop()
}, 30_000)

const pairs = (...keys: string[]) =>
  keys.map((key) => {
    const [resource, action] = key.split(':')
    return { resource, action }
  })
const inProject = (namespace: string, ...keys: string[]) => ({ kind: 'project', namespace, access: pairs(...keys) })
const inSystem = (...keys: string[]) => ({ kind: 'system', namespace: '/', access: pairs(...keys) })

interface Made {
  id: number
  token: string
  /** To sign in with. */
  login: string
}

let made = 0
async function make(as: string, permissions: object[], more: object = {}): Promise<Made> {
  made++
  const reply = await core.post(BASE, { as, body: { name: `token ${made}`, permissions, ...more } })
  expect(reply.status, reply.text).toBe(201)
  const { id, token } = reply.body as { id: number; token: string }
  return { id, token, login: `${as.split(':')[0]}:${token}` }
}

describe('an access token', () => {
  it('is shown once, and told of by name, reach and end from then on', async () => {
    const body = {
      name: 'laptop',
      description: 'docker on my laptop',
      expires_in_days: 7,
      permissions: [inProject('mine', 'repository:pull')],
    }
    const created = await core.post(BASE, { as: ann, body })
    expect(created.headers.get('cache-control')).toBe('no-store')
    const { token, ...told } = created.body as { token: string; id: number; expires_at: string }
    expect(token).toMatch(/^berth_pat_[\w-]{43}$/)
    expect(created.headers.get('location')).toBe(`${BASE}/${told.id}`)
    expect(told).toMatchObject({ name: 'laptop', description: body.description, permissions: body.permissions })
    const days = (Date.parse(told.expires_at) - Date.now()) / 86_400_000
    expect(Math.round(days)).toBe(7)
    expect((await core.get(`${BASE}/${told.id}`, { as: ann })).body).toEqual(told)
    for (const path of [BASE, `${BASE}/${told.id}`]) {
      expect((await core.get(path, { as: ann })).text).not.toContain(token)
    }
    const rows = await query(
      core,
      'SELECT t::text FROM core.access_tokens t UNION ALL SELECT a::text FROM core.audit_log a',
    )
    expect(JSON.stringify(rows)).not.toContain(token.slice(10))
    expect((await core.post(BASE, { as: ann, body })).status).toBe(409)
  })

  it('lets its person do what both may, in the API', async () => {
    const { login } = await make(ann, [inProject('mine', 'project:read', 'member:list', 'member:create')])
    expect((await core.get('/projects/mine/members', { as: login })).status).toBe(200)
    const member = { role_id: 3, member_user: { username: 'bob' } }
    expect((await core.post('/projects/mine/members', { as: login, body: member })).status).toBe(201)
    expect((await core.get('/projects/mine/members', { as: bob })).status).toBe(200)
    expect((await core.delete('/projects/mine', { as: login })).status).toBe(403)
    expect((await core.get('/projects/other/members', { as: login })).status).toBe(403)
    expect((await core.get('/projects/bobs/members', { as: login })).status).toBe(403)
    expect((await core.get('/projects/library', { as: login })).status).toBe(200)
  })

  it('shows of its person’s projects those it reaches, and the public ones', async () => {
    const names = async (as: string) =>
      ((await core.get('/projects', { as })).body as { name: string }[]).map(({ name }) => name)
    const some = await make(ann, [inProject('mine', 'project:read')])
    expect(await names(some.login)).toEqual(['library', 'mine'])
    const none = await make(ann, [inProject('mine', 'repository:pull')])
    expect(await names(none.login)).toEqual(['library'])
    const every = await make(ann, [inProject('*', 'project:read')])
    expect(await names(every.login)).toEqual(['library', 'mine', 'other'])
    expect(await names((await make(admin, [inProject('*', 'project:read')])).login)).toHaveLength(4)
    expect(await names((await make(admin, [inProject('bobs', 'project:read')])).login)).toEqual(['bobs', 'library'])
  })

  it('gives registry tokens that reach no further and live no longer than it does', async () => {
    const { token, id } = await make(ann, [inProject('mine', 'repository:pull', 'repository:push')])
    const asker = await surroundings.connect('token')
    const ask = () =>
      asker.ask(accessGrant, {
        credentials: { kind: 'basic', username: 'ann', password: token },
        scopes: ['mine/app', 'other/app', 'library/x', 'bobs/app'].map((name) => ({
          type: 'repository',
          name,
          actions: ['pull', 'push', 'delete'],
        })),
      })
    const { identity, access, tokenSeconds } = await ask()
    expect(identity).toMatchObject({ kind: 'user', name: 'ann', admin: false })
    expect(access.map(({ actions }) => actions)).toEqual([['pull', 'push'], [], ['pull'], []])
    expect(tokenSeconds).toBe(1_800)
    await query(core, `UPDATE core.access_tokens SET expires_at = now() + interval '90 seconds' WHERE id = $1`, [id])
    expect((await ask()).tokenSeconds).toBeLessThanOrEqual(90)
    await asker.close()
  })

  it('of an administrator is no administrator, but for what it was given', async () => {
    const { login } = await make(admin, [inSystem('user:list', 'user:update', 'user:delete')])
    expect((await core.get('/users', { as: login })).status).toBe(200)
    const [{ user_id: id }] = (await core.get('/users?q=username=bob', { as: login })).body as [{ user_id: number }]
    expect((await core.put(`/users/${id}/sysadmin`, { as: login, body: { sysadmin_flag: true } })).status).toBe(403)
    expect((await core.put('/users/1/password', { as: login, body: { new_password: 'Password9' } })).status).toBe(403)
    expect((await core.get('/usergroups', { as: login })).status).toBe(403)
    expect((await core.get('/api/berth/v1/logs', { as: login })).status).toBe(403)
    expect((await core.get('/projects/mine', { as: login })).status).toBe(403)
    const others = await make(bob, [inSystem('user:list')])
    expect((await core.get('/users', { as: others.login })).status).toBe(403)
  })

  it('makes projects only when it was given that', async () => {
    const create = (as: string, project_name: string) => core.post('/projects', { as, body: { project_name } })
    const without = await make(ann, [inProject('*', 'project:update')])
    expect((await create(without.login, 'by-token')).status).toBe(403)
    const { login } = await make(ann, [inSystem('project:create')])
    expect((await create(login, 'by-token')).status).toBe(201)
    await core.set({ project_creation_restriction: 'adminonly' })
    expect((await create(login, 'by-token-2')).status).toBe(403)
    expect((await create((await make(admin, [inSystem('project:create')])).login, 'by-token-3')).status).toBe(201)
    await core.set({ project_creation_restriction: 'everyone' })
  })

  it('never becomes more than it is', async () => {
    const { login, token } = await make(ann, [inProject('*', 'project:read', 'robot:read')])
    const [{ user_id: id }] = (await core.get('/users/search?username=ann', { as: ann })).body as [{ user_id: number }]
    expect((await core.get('/users/current', { as: login })).body).toMatchObject({ username: 'ann' })
    const wide = { name: 'wider', permissions: [inProject('*', 'project:delete')] }
    expect((await core.post(BASE, { as: login, body: wide })).status).toBe(403)
    expect((await core.get(BASE, { as: login })).status).toBe(403)
    expect((await core.delete(`${BASE}/1`, { as: login })).status).toBe(403)
    const password = { old_password: 'Password1', new_password: 'Password2' }
    expect((await core.put(`/users/${id}/password`, { as: login, body: password })).status).toBe(403)
    const profile = { email: 'evil@x.org', realname: 'Ann', comment: '' }
    expect((await core.put(`/users/${id}`, { as: login, body: profile })).status).toBe(403)
    const opened = await core.get('/systeminfo')
    const headers = {
      cookie: (opened.headers.getSetCookie()[0] ?? '').split(';')[0] ?? '',
      'X-Harbor-CSRF-Token': opened.headers.get('x-harbor-csrf-token') ?? '',
    }
    const form = new URLSearchParams({ principal: 'ann', password: token })
    const session = await core.post('/c/login', { body: form, headers })
    expect([session.status, session.headers.getSetCookie().some((one) => one.startsWith('sid='))]).toEqual([401, false])
  })

  it('is not made by robots, nor for projects its person does not see', async () => {
    const robot = await core.post('/robots', {
      as: admin,
      body: { name: 'r', level: 'system', duration: 1, permissions: [inSystem('user:create')] },
    })
    const { name, secret } = robot.body as { name: string; secret: string }
    const post = async (as: string | undefined, namespace: string) =>
      (await core.post(BASE, { as, body: { name: 'x', permissions: [inProject(namespace, 'repository:pull')] } }))
        .status
    expect(await post(`${name}:${secret}`, 'library')).toBe(403)
    expect(await post(undefined, 'library')).toBe(401)
    expect(await post(ann, 'bobs')).toBe(403)
    expect(await post(ann, 'no-such')).toBe(403)
    expect(await post(admin, 'no-such')).toBe(404)
    expect((await core.post(BASE, { as: ann, body: { name: 'x' } })).status).toBe(400)
  })

  it('is its person’s alone: others find none of that number, administrators list and revoke it', async () => {
    const { id, login } = await make(ann, [inProject('mine', 'project:read')])
    for (const method of ['get', 'delete'] as const) {
      expect((await core[method](`${BASE}/${id}`, { as: bob })).status).toBe(404)
      expect((await core[method](`${BASE}/99999`, { as: bob })).status).toBe(404)
    }
    const [{ user_id: annId }] = (await core.get('/users/search?username=ann', { as: ann })).body as [
      { user_id: number },
    ]
    expect((await core.get(`${BASE}?user_id=${annId}`, { as: bob })).status).toBe(403)
    const list = await core.get(`${BASE}?user_id=${annId}&page_size=1`, { as: admin })
    expect(list.body).toMatchObject([{ id, user_id: annId }])
    expect(Number(list.headers.get('x-total-count'))).toBeGreaterThan(1)
    expect((await core.delete(`${BASE}/${id}`, { as: admin })).status).toBe(200)
    expect((await core.get('/projects/mine', { as: login })).status).toBe(401)
  })

  it('ends when it is revoked, for registry tokens too', async () => {
    const { peers } = surroundings
    const { id, login } = await make(ann, [inProject('mine', 'repository:pull'), inProject('other', 'repository:pull')])
    peers.put.length = 0
    expect((await core.delete(`${BASE}/${id}`, { as: ann })).status).toBe(200)
    expect(peers.put.map(({ name }) => name).toSorted()).toEqual(['mine', 'other'])
    expect((await core.get('/users/current', { as: login })).status).toBe(401)
    const every = await make(bob, [inProject('*', 'repository:pull')])
    peers.put.length = 0
    await core.delete(`${BASE}/${every.id}`, { as: bob })
    expect(peers.put.map(({ name }) => name)).toContain('bobs')
  })

  it('ends with its time, with its person, and for anybody but them', async () => {
    const { id, login, token } = await make(bob, [inProject('bobs', 'project:read')])
    expect((await core.get('/projects/bobs', { as: `ann:${token}` })).status).toBe(401)
    expect((await core.get('/projects/bobs', { as: login })).status).toBe(200)
    const used = await core.get(`${BASE}/${id}`, { as: bob })
    expect(Date.parse((used.body as { last_used_at: string }).last_used_at)).toBeGreaterThan(Date.now() - 60_000)
    await query(core, `UPDATE core.access_tokens SET expires_at = now() WHERE id = $1`, [id])
    expect((await core.get('/projects/bobs', { as: login })).status).toBe(401)
    const last = await make(bob, [inProject('bobs', 'project:read')])
    const [{ user_id: bobId }] = (await core.get('/users/search?username=bob', { as: ann })).body as [
      { user_id: number },
    ]
    expect((await core.delete(`/users/${bobId}`, { as: admin })).status).toBe(200)
    expect((await core.get('/projects/bobs', { as: last.login })).status).toBe(401)
    expect(await query(core, 'SELECT FROM core.access_tokens WHERE user_id = $1', [bobId])).toEqual([])
  })

  it('does nothing in a project that took the place of its own', async () => {
    await core.post('/projects', { as: ann, body: { project_name: 'again' } })
    const { login } = await make(ann, [inProject('again', 'project:read')])
    expect((await core.get('/projects/again', { as: login })).status).toBe(200)
    expect((await core.delete('/projects/again', { as: ann })).status).toBe(200)
    await core.post('/projects', { as: ann, body: { project_name: 'again' } })
    expect((await core.get('/projects/again', { as: login })).status).toBe(403)
  })

  it('is one of a hundred at most', async () => {
    const user = { username: 'dora', email: 'dora@x.org', realname: 'Dora', password: 'Password1' }
    await core.post('/users', { as: admin, body: user })
    await make('dora:Password1', [inProject('library', 'repository:pull')])
    await query(
      core,
      `INSERT INTO core.access_tokens (user_id, name, secret_hash, expires_at)
         SELECT u.id, 'filler ' || n, sha256(n::text::bytea), now() FROM core.users u, generate_series(1, 99) n
          WHERE u.username = 'dora'`,
    )
    const body = { name: 'one more', permissions: [inProject('library', 'repository:pull')] }
    expect((await core.post(BASE, { as: 'dora:Password1', body })).status).toBe(412)
  })
})
