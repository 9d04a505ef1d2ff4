import { openDatabase } from '@berth/db'
import type { Bus } from '@berth/messaging'
import { silentLogger } from '@berth/runtime'
import { accessGrant } from '@berth/types'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fixedSettings } from '../testing/fixed-settings.ts'
import { ADMIN_PASSWORD, openSurroundings, type RunningCore, type Surroundings } from '../testing/harness.ts'
import { person } from '../testing/person.ts'
import { warnOfExpiry } from './robot-expiry.ts'

let surroundings: Surroundings
let core: RunningCore
let token: Bus
let client: pg.Client
const admin = `admin:${ADMIN_PASSWORD}`
const ann = 'ann:Password1'
const bob = 'bob:Password1'
let mine: number

beforeAll(async () => {
  surroundings = await openSurroundings()
  core = await surroundings.startCore()
  token = await surroundings.connect('token')
  client = new pg.Client({ connectionString: core.databaseUrl })
  await client.connect()
  for (const username of ['ann', 'bob']) {
    const body = person(username)
    await core.post('/users', { as: admin, body })
  }
  const created = await core.post('/projects', { as: ann, body: { project_name: 'mine' } })
  mine = Number(created.headers.get('location')?.split('/').at(-1))
  await core.post('/projects', { as: bob, body: { project_name: 'theirs' } })
})
afterAll(async () => {
  expect(core?.errors.map(({ fields }) => fields?.err)).toEqual([])
  await client?.end()
  await token?.close()
  await core?.stop()
  await surroundings?.stop()
}, 30_000)

interface Made {
  id: number
  name: string
  secret: string
  expires_at: number
  login: string
}

const access = (...pairs: string[]) =>
  pairs.map((pair) => ({ resource: pair.split(':')[0], action: pair.split(':')[1] }))
const inProject = (namespace: string, ...pairs: string[]) => ({ kind: 'project', namespace, access: access(...pairs) })
const inSystem = (...pairs: string[]) => ({ kind: 'system', namespace: '/', access: access(...pairs) })

function post(as: string | undefined, name: string, permissions: object[], more: object = {}) {
  return core.post('/robots', { as, body: { name, level: 'project', duration: -1, permissions, ...more } })
}

async function make(as: string, name: string, permissions: object[], more: object = {}): Promise<Made> {
  const created = await post(as, name, permissions, more)
  expect(created.status, created.text).toBe(201)
  const made = created.body as Made
  expect(created.headers.get('location')).toBe(`/api/v2.0/robots/${made.id}`)
  return { ...made, login: `${made.name}:${made.secret}` }
}

async function actions(login: string, scope: string): Promise<string[]> {
  const [username = '', password = ''] = login.split(':')
  const [type = '', name = '', asked = ''] = scope.split(':')
  const scopes = [{ type, name, actions: asked.split(',') }]
  const granted = await token.ask(accessGrant, { credentials: { kind: 'basic', username, password }, scopes })
  return granted.access[0]?.actions ?? []
}

describe('a robot of a project', () => {
  it('is made by its administrator, and its secret shown once', async () => {
    const robot = await make(ann, 'ci', [inProject('mine', 'repository:pull', 'repository:push')])
    expect(robot).toMatchObject({ name: 'robot$mine+ci', expires_at: -1 })
    const shown = await core.get(`/robots/${robot.id}`, { as: ann })
    expect(shown.body).toMatchObject({
      id: robot.id,
      name: 'robot$mine+ci',
      level: 'project',
      duration: -1,
      editable: true,
      disable: false,
      creator_type: 'local',
      permissions: [inProject('mine', 'repository:pull', 'repository:push')],
    })
    expect(shown.text).not.toContain(robot.secret)
    const { rows } = await client.query('SELECT * FROM core.robots')
    expect(JSON.stringify(rows)).not.toContain(robot.secret)
  })

  it('can do what it was given, there and on the API, and nothing else', async () => {
    const { login } = await make(ann, 'puller', [inProject('mine', 'repository:pull', 'project:read')])
    expect(await actions(login, 'repository:mine/app:pull,push,delete')).toEqual(['pull'])
    expect(await actions(login, 'repository:theirs/app:pull')).toEqual([])
    expect(await actions(login, 'repository:library/app:pull,push')).toEqual(['pull'])
    expect(await actions(login, 'registry:catalog:*')).toEqual([])
    expect((await core.get('/projects/mine', { as: login })).status).toBe(200)
    expect((await core.get('/projects/theirs', { as: login })).status).toBe(403)
    expect((await core.get('/projects/mine/members', { as: login })).status).toBe(403)
    const listed = await core.get('/projects?with_detail=false', { as: login })
    expect((listed.body as { name: string }[]).map(({ name }) => name)).toEqual(['library', 'mine'])
    expect((await core.get('/users/current', { as: login })).status).toBe(412)
    expect((await core.post('/projects', { as: login, body: { project_name: 'robots' } })).status).toBe(403)
  })

  it('is never made for a project of others (CVE-2019-16919)', async () => {
    expect((await post(ann, 'evil', [inProject('theirs', 'repository:pull')])).status).toBe(403)
    expect((await post(ann, 'evil', [inProject('no-such', 'repository:pull')])).status).toBe(403)
    expect((await post(undefined, 'evil', [inProject('mine', 'repository:pull')])).status).toBe(401)
    const two = [inProject('mine', 'repository:pull'), inProject('theirs', 'repository:pull')]
    expect((await post(ann, 'evil', two)).status).toBe(400)
  })

  it('is hidden from those it does not concern, as if it did not exist', async () => {
    const { id } = await make(ann, 'hidden', [inProject('mine', 'repository:pull')])
    for (const one of [id, 99_999]) {
      expect((await core.get(`/robots/${one}`)).status).toBe(401)
      const stranger = await core.get(`/robots/${one}`, { as: bob })
      expect([stranger.status, stranger.body]).toEqual([403, { errors: [{ code: 'FORBIDDEN', message: 'forbidden' }] }])
      expect((await core.delete(`/robots/${one}`, { as: bob })).status).toBe(403)
    }
    expect((await core.get('/robots/99999', { as: admin })).status).toBe(404)
  })

  it('takes a name once', async () => {
    await make(ann, 'twin', [inProject('mine', 'repository:pull')])
    expect((await post(ann, 'twin', [inProject('mine', 'repository:pull')])).status).toBe(409)
    await make(bob, 'twin', [inProject('theirs', 'repository:pull')])
  })

  it('is refused with the wrong secret, when it has expired, and when it is switched off', async () => {
    const { login, name, id } = await make(ann, 'short', [inProject('mine', 'project:read')], { duration: 1 })
    const status = async (as = login) => (await core.get('/projects/mine', { as })).status
    expect(await status()).toBe(200)
    expect(await status(`${name}:wrong`)).toBe(401)
    expect(await status('robot$mine+nobody:wrong')).toBe(401)
    await client.query('UPDATE core.robots SET disabled = true WHERE id = $1', [id])
    expect(await status()).toBe(401)
    await client.query(
      `UPDATE core.robots SET disabled = false, created_at = now() - interval '25 hours' WHERE id = $1`,
      [id],
    )
    expect(await status()).toBe(401)
  })

  it('has a prefix that keeps nobody out whose name begins with it', async () => {
    const { name, secret } = await make(ann, 'odd', [inProject('mine', 'repository:pull')])
    await core.set({ robot_name_prefix: 'adm' })
    expect((await core.get('/users/current', { as: admin })).status).toBe(200)
    expect((await core.get('/users/current', { as: 'admin:Wrong-1' })).status).toBe(401)
    const renamed = name.replace('robot$', 'adm')
    expect((await core.get('/users/current', { as: `${renamed}:${secret}` })).status).toBe(412)
    expect((await core.get('/users/current', { as: `${renamed}:Wrong-1` })).status).toBe(401)
    await core.set({ robot_name_prefix: 'robot$' })
  })

  it('ends at once, with its tokens, when it is deleted', async () => {
    const { login, id } = await make(ann, 'ended', [inProject('mine', 'project:read')])
    surroundings.peers.put.length = 0
    expect((await core.delete(`/robots/${id}`, { as: ann })).status).toBe(200)
    expect(surroundings.peers.put).toMatchObject([{ id: mine, name: 'mine' }])
    expect((await core.get('/projects/mine', { as: login })).status).toBe(401)
    expect((await core.get(`/robots/${id}`, { as: admin })).status).toBe(404)
  })

  it('goes with its project, and a new project of that name inherits none', async () => {
    await core.post('/projects', { as: ann, body: { project_name: 'brief' } })
    const { login } = await make(ann, 'ci', [inProject('brief', 'project:read')])
    await core.delete('/projects/brief', { as: ann })
    expect((await core.get('/projects/library', { as: login })).status).toBe(401)
    await core.post('/projects', { as: bob, body: { project_name: 'brief' } })
    expect((await core.get('/projects/brief', { as: login })).status).toBe(401)
  })
})

describe('a robot of the system', () => {
  it('is made by administrators alone', async () => {
    const permissions = [inSystem('catalog:read'), inProject('*', 'repository:pull')]
    expect((await post(ann, 'sys', permissions, { level: 'system' })).status).toBe(403)
    const robot = await make(admin, 'sys', permissions, { level: 'system' })
    expect(robot.name).toBe('robot$sys')
    expect(await actions(robot.login, 'repository:mine/app:pull,push')).toEqual(['pull'])
    expect(await actions(robot.login, 'registry:catalog:*')).toEqual(['*'])
    expect((await core.get(`/robots/${robot.id}`, { as: admin })).body).toMatchObject({ level: 'system', permissions })
    expect((await core.get(`/robots/${robot.id}`, { as: ann })).status).toBe(403)
  })

  it('gives no more than it has, in no scope it does not have (GHSA-xq2m)', async () => {
    const wide = [inSystem('robot:create', 'robot:list'), inProject('*', 'robot:create', 'repository:pull')]
    const maker = await make(admin, 'maker', wide, { level: 'system' })
    const attempt = async (name: string, permissions: object[], level: string) =>
      (await post(maker.login, name, permissions, { level })).status
    expect(await attempt('child-1', [inProject('mine', 'repository:pull')], 'project')).toBe(201)
    expect(await attempt('child-2', [inProject('*', 'repository:pull')], 'system')).toBe(201)
    expect(await attempt('child-3', [inProject('mine', 'repository:push')], 'project')).toBe(403)
    expect(await attempt('child-4', [inSystem('catalog:read')], 'system')).toBe(403)
    expect(await attempt('child-5', [inSystem('robot:create', 'user:update')], 'system')).toBe(403)
    const narrow = await make(admin, 'narrow', [inProject('mine', 'robot:create', 'repository:pull')], {
      level: 'system',
    })
    const limited = async (namespace: string, level: string) =>
      (await post(narrow.login, 'grandchild', [inProject(namespace, 'repository:pull')], { level })).status
    expect(await limited('theirs', 'project')).toBe(403)
    expect(await limited('*', 'system')).toBe(403)
    expect(await limited('mine', 'project')).toBe(201)
  })

  it('with the right to change users makes no administrator and changes none (GHSA-w5fq)', async () => {
    const permissions = [inSystem('user:create', 'user:read', 'user:update', 'user:list', 'user:delete')]
    const { login } = await make(admin, 'hr', permissions, { level: 'system' })
    const { body } = await core.get('/users?q=username=bob', { as: login })
    const [{ user_id: id }] = body as [{ user_id: number }]
    const flag = { sysadmin_flag: true }
    expect((await core.put(`/users/${id}/sysadmin`, { as: login, body: flag })).status).toBe(403)
    const password = { new_password: 'Password9' }
    expect((await core.put('/users/1/password', { as: login, body: password })).status).toBe(403)
    const profile = { email: 'new@x.org', realname: 'New', comment: '' }
    expect((await core.put('/users/1', { as: login, body: profile })).status).toBe(403)
    expect((await core.delete('/users/1', { as: login })).status).toBe(403)
    expect((await core.put(`/users/${id}`, { as: login, body: profile })).status).toBe(200)
  })

  it('makes projects when it may, and they belong to the first administrator', async () => {
    const { login } = await make(admin, 'projects', [inSystem('project:create')], { level: 'system' })
    expect((await core.post('/projects', { as: login, body: { project_name: 'by-robot' } })).status).toBe(201)
    expect((await core.get('/projects/by-robot', { as: admin })).body).toMatchObject({ owner_name: 'admin' })
  })
})

describe('a robot that is changed', () => {
  const put = (as: string | undefined, robot: Made, more: object, namespace = 'mine') => {
    const permissions = [inProject(namespace, 'project:read', 'repository:pull')]
    const body = { name: robot.name, level: 'project', duration: -1, description: '', permissions, ...more }
    return core.put(`/robots/${robot.id}`, { as, body })
  }

  it('is what the change says, at once and for its tokens too', async () => {
    const robot = await make(ann, 'changing', [inProject('mine', 'project:read', 'repository:push')])
    surroundings.peers.put.length = 0
    const changed = await put(ann, robot, { description: 'narrower', duration: 3 })
    expect(changed.status, changed.text).toBe(200)
    expect(surroundings.peers.put).toMatchObject([{ id: mine }])
    expect(await actions(robot.login, 'repository:mine/app:pull,push')).toEqual(['pull'])
    const { body } = await core.get(`/robots/${robot.id}`, { as: ann })
    const made = body as { creation_time: string; expires_at: number }
    const created = Math.floor(Date.parse(made.creation_time) / 1_000)
    expect(made).toMatchObject({ description: 'narrower', duration: 3, expires_at: created + 3 * 86_400 })
    expect((await put(ann, robot, { disable: true })).status).toBe(200)
    expect((await core.get('/projects/mine', { as: robot.login })).status).toBe(401)
    expect((await put(ann, robot, { disable: false })).status).toBe(200)
    expect((await core.get('/projects/mine', { as: robot.login })).status).toBe(200)
  })

  it('keeps its name, its level and its project', async () => {
    const robot = await make(ann, 'steady', [inProject('mine', 'project:read')])
    await core.post('/projects', { as: ann, body: { project_name: 'mine-too' } })
    expect((await put(ann, robot, { name: 'steady' })).status).toBe(400)
    expect((await put(ann, robot, { name: 'robot$mine+other' })).status).toBe(400)
    expect((await put(ann, robot, { level: 'system' })).status).toBe(400)
    expect((await put(ann, robot, {}, 'mine-too')).status).toBe(400)
    expect((await put(ann, robot, { duration: 0 })).status).toBe(400)
    expect((await put(ann, robot, { permissions: [] })).status).toBe(400)
  })

  it('is changed by those alone who administer its project', async () => {
    const robot = await make(ann, 'guarded', [inProject('mine', 'project:read', 'robot:create', 'robot:read')])
    for (const [as, status] of [
      [undefined, 401],
      [bob, 403],
      [robot.login, 403],
    ] as const) {
      expect((await put(as, robot, {})).status).toBe(status)
      const path = `/robots/${robot.id}`
      expect((await core.patch(path, { as, body: {} })).status).toBe(status)
      expect((await core.post(`/api/berth/v1${path}/rotate`, { as, body: {} })).status).toBe(status)
    }
    expect((await core.patch('/robots/99999', { as: admin, body: {} })).status).toBe(404)
  })

  it('is written into the audit trail, without its secret', async () => {
    const { login, id, name, secret } = await make(ann, 'traced', [inProject('mine', 'project:read')])
    await put(ann, { id, name, login, secret, expires_at: -1 }, {})
    await core.patch(`/robots/${id}`, { as: ann, body: { secret: 'Chosen1secret' } })
    await core.delete(`/robots/${id}`, { as: ann })
    const { rows } = await client.query(
      'SELECT username, operation, resource_type, project_id, succeeded FROM core.audit_log WHERE resource = $1 ORDER BY id',
      [name],
    )
    const common = { username: 'ann', resource_type: 'robot', project_id: mine, succeeded: true }
    expect(rows).toEqual(['create', 'update', 'update', 'delete'].map((operation) => ({ ...common, operation })))
    const { rows: all } = await client.query('SELECT * FROM core.audit_log')
    expect(JSON.stringify(all)).not.toContain(secret)
    expect(JSON.stringify(all)).not.toContain('Chosen1secret')
  })
})

describe('the secret of a robot', () => {
  const isIn = async (name: string, secret: string) =>
    (await core.get('/projects/mine', { as: `${name}:${secret}` })).status === 200

  it('is made anew or given, and the one before ends at once', async () => {
    const { id, name, secret } = await make(ann, 'refreshed', [inProject('mine', 'project:read')])
    surroundings.peers.put.length = 0
    const made = await core.patch(`/robots/${id}`, { as: ann, body: {} })
    const { secret: second } = made.body as { secret: string }
    expect([await isIn(name, secret), await isIn(name, second)]).toEqual([false, true])
    expect(surroundings.peers.put).toMatchObject([{ id: mine }])
    const given = await core.patch(`/robots/${id}`, { as: ann, body: { secret: 'Chosen1secret' } })
    expect([given.status, given.text]).toEqual([200, '{}'])
    expect([await isIn(name, second), await isIn(name, 'Chosen1secret')]).toEqual([false, true])
    for (const weak of ['short1A', 'alllowercase1', 'x'.repeat(129)]) {
      expect((await core.patch(`/robots/${id}`, { as: ann, body: { secret: weak } })).status).toBe(400)
    }
  })

  it('is rotated with an overlap in which both hold', async () => {
    const { id, name, secret } = await make(ann, 'rotated', [inProject('mine', 'project:read')])
    const rotate = (body: object) => core.post(`/api/berth/v1/robots/${id}/rotate`, { as: ann, body })
    const rotated = await rotate({ overlap_seconds: 600 })
    expect(rotated.status, rotated.text).toBe(200)
    const { secret: second } = rotated.body as { secret: string }
    expect([await isIn(name, secret), await isIn(name, second)]).toEqual([true, true])
    await client.query('UPDATE core.robots SET previous_secret_until = now() WHERE id = $1', [id])
    expect([await isIn(name, secret), await isIn(name, second)]).toEqual([false, true])
    expect((await rotate({ overlap_seconds: 0 })).status).toBe(422)
    const { rows } = await client.query('SELECT * FROM core.robots')
    expect(JSON.stringify(rows)).not.toContain(second)
  })
})

describe('what robots can be given', () => {
  it('is told to those who can make some', async () => {
    const { body } = await core.get('/permissions', { as: admin })
    const all = body as { system: unknown[]; project: unknown[] }
    expect([all.system.length, all.project.length]).toEqual([70, 70])
    expect((await core.get('/permissions', { as: ann })).body).toEqual({ project: all.project })
    await core.post('/users', {
      as: admin,
      body: { username: 'cara', email: 'cara@x.org', realname: 'Cara', password: 'Password1' },
    })
    expect((await core.get('/permissions', { as: 'cara:Password1' })).status).toBe(403)
    expect((await core.get('/permissions')).status).toBe(401)
  })
})

describe('a robot that ends soon', () => {
  it('is told once, and again after it was given more time', async () => {
    const database = openDatabase({ url: core.databaseUrl, service: 'test', schema: 'core', log: silentLogger })
    const settings = fixedSettings()
    const told: number[] = []
    const warn = async () => void told.push(await warnOfExpiry(database, settings, () => told.length))
    const robot = await make(ann, 'ending', [inProject('mine', 'project:read')], { duration: 30 })
    const age = (days: number) =>
      client.query('UPDATE core.robots SET created_at = now() - make_interval(days => $2) WHERE id = $1', [
        robot.id,
        days,
      ])
    await warn()
    await age(24)
    await warn()
    await warn()
    const permissions = [inProject('mine', 'project:read')]
    const body = { name: robot.name, level: 'project', duration: 26, permissions }
    expect((await core.put(`/robots/${robot.id}`, { as: ann, body })).status).toBe(200)
    await warn()
    await database.close()
    expect(told).toEqual([0, 1, 0, 1])
  })
})

describe('lists of robots', () => {
  it('are of one level', async () => {
    const names = async (query: string, as: string) => {
      const { body } = await core.get(`/robots?page_size=100&sort=name&${query}`, { as })
      return (body as { name: string }[]).map(({ name }) => name)
    }
    expect(await names('', admin)).toContain('robot$sys')
    expect(await names('q=Level=system', admin)).not.toContain('robot$mine+ci')
    expect(await names(`q=Level=project,ProjectID=${mine},name=~p`, ann)).toEqual(['robot$mine+puller'])
  })

  it('need the right to see them, and the project', async () => {
    expect((await core.get('/robots', { as: ann })).status).toBe(403)
    expect((await core.get('/robots')).status).toBe(401)
    expect((await core.get(`/robots?q=Level=project,ProjectID=${mine}`, { as: bob })).status).toBe(403)
    expect((await core.get('/robots?q=Level=project,ProjectID=99999', { as: bob })).status).toBe(403)
    expect((await core.get('/robots?q=Level=project', { as: ann })).status).toBe(400)
    expect((await core.get('/robots?q=Level=galaxy', { as: admin })).status).toBe(400)
  })

  it('tell nothing by filters on what they hide', async () => {
    const total = async (q: string) => (await core.get(`/robots?q=${q}`, { as: admin })).headers.get('x-total-count')
    expect(await total('secret_hash=~a')).toBe(await total('secret_hash=~zzz'))
    expect(await total('secret=x')).toBe(await total('Level=system'))
  })
})
