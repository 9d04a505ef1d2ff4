import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask } from '../contract/ask.ts'
import { openWorld, type World } from '../contract/world.ts'
import { openSurroundings, type Surroundings } from '../harness.ts'

let surroundings: Surroundings
let world: World
let lists: string[]

beforeAll(async () => {
  surroundings = await openSurroundings()
  world = await openWorld(surroundings)
  await world.make('/usergroups', { group_name: 'inputs', group_type: 3 })
  await world.make('/labels', { name: 'inputs', scope: 'g' })
  const { name } = world.project
  lists = [
    '/users',
    '/robots',
    '/projects',
    '/quotas',
    '/usergroups',
    '/labels?scope=g',
    '/audit-logs',
    '/auditlog-exts',
    '/repositories',
    `/projects/${name}/members`,
    `/projects/${name}/immutabletagrules`,
    `/projects/${name}/logs`,
    `/projects/${name}/auditlog-exts`,
    `/projects/${name}/repositories`,
    `/projects/${name}/repositories/team%252Fapp/artifacts`,
    `/projects/${name}/repositories/team%252Fapp/artifacts/latest/tags`,
    `/projects/${name}/artifacts`,
  ]
})
afterAll(async () => {
  expect(world?.core.errors.map(({ fields }) => String(fields?.err))).toEqual([])
  await world?.stop()
  await surroundings?.stop()
}, 30_000)

const get = (path: string, as = world.credentials.admin) => ask(world.core.url, { method: 'GET', path, as })
const withQuery = (path: string, query: string): string => `${path}${path.includes('?') ? '&' : '?'}${query}`
const quoted = encodeURIComponent

const SQL = [
  "'",
  "';DROP TABLE users;--",
  "x' OR '1'='1",
  'x) OR (1=1',
  "name=x' UNION SELECT password_hash FROM users--",
  "name=~%' OR pg_sleep(5)--",
  "name=[1~2'] OR 1=1",
  'name={a" b}',
  'name=(1 2);SELECT 1',
  'id=1;SELECT pg_sleep(5)',
  'creation_time=[0001-01-01T00:00:00~99999-01-01T00:00:00]',
  'name=\\u0000',
  'name=~%_\\',
  `name=${'x'.repeat(5000)}`,
]
const SORTS = ['name;DROP TABLE users', '-name,(SELECT pg_sleep(5))', '1', 'name desc nulls last--', "'", '-', ',,,']

describe('no list is moved by SQL in its filters or its order (3: CVE-2019-19026, CVE-2019-19029; 12: CVE-2024-22261)', () => {
  it.each(SQL)('q=%s', async (q) => {
    for (const list of lists) {
      const answer = await get(withQuery(list, `q=${quoted(q)}`))
      expect([200, 400, 414, 422, 431], `${list}: ${answer.text.slice(0, 200)}`).toContain(answer.status)
      expect(answer.text).not.toMatch(/\$argon2|syntax error|pg_/)
    }
  })

  it.each(SORTS)('sort=%s', async (sort) => {
    for (const list of lists) {
      const answer = await get(withQuery(list, `sort=${quoted(sort)}`))
      expect([200, 400, 422], `${list}: ${answer.text.slice(0, 200)}`).toContain(answer.status)
    }
  })

  it.each([
    "/projects?name=x'--",
    "/projects?owner=x' OR '1'='1",
    "/users/search?username=x' OR '1'='1",
    "/usergroups?group_name='",
    "/usergroups/search?groupname=' OR 1=1--",
    "/quotas?reference=project'&reference_id=1 OR 1=1",
    "/labels?scope=g&name=' OR 1=1--",
    "/search?q=' OR 1=1--",
    "/projects/contract/members?entityname=' OR 1=1--",
    "/projects/x' OR '1'='1",
  ])('%s', async (path) => {
    const answer = await get(encodeURI(path))
    expect([200, 400, 404, 422], answer.text).toContain(answer.status)
    if (Array.isArray(answer.body)) expect(answer.body).toEqual([])
  })
})

describe('nobody learns by filter or order what is hidden (14: CVE-2025-30086, GHSA-vwvv-675v-p6rr)', () => {
  const hidden = [
    'password',
    'password_hash',
    'passwordHash',
    'salt',
    'secret',
    'secret_hash',
    'token',
    'auth_revision',
  ]

  it('a filter or an order on what is not shown changes nothing', async () => {
    for (const list of lists.filter((path) => !path.includes('artifacts'))) {
      const plain = await get(withQuery(list, 'page_size=100'))
      expect(plain.status, list).toBe(200)
      for (const name of hidden) {
        for (const q of [`${name}=~a`, `${name}=x`, `${name}=[a~z]`, `${name}=~$argon2`]) {
          const filtered = await get(withQuery(list, `page_size=100&q=${quoted(q)}`))
          expect(filtered.text, `${list} ${q}`).toBe(plain.text)
        }
        for (const sort of [name, `-${name}`]) {
          const sorted = await get(withQuery(list, `page_size=100&sort=${sort}`))
          expect(sorted.text, `${list} ${sort}`).toBe(plain.text)
        }
      }
    }
  })
})

describe('ids are whole numbers or nothing (12)', () => {
  const places = ['/users/', '/robots/', '/labels/', '/quotas/', '/usergroups/', '/projects/contract/members/']
  const ids = ['0', '-1', '1.5', '1e3', '0x1', 'NaN', 'null', "1'--", '1;2', '9223372036854775808', '%00', '１', '٣']

  it.each(ids)('%s', async (id) => {
    for (const place of places) {
      for (const method of ['GET', 'DELETE']) {
        const path = `${place}${id === '%00' ? id : encodeURIComponent(id)}`
        const answer = await ask(world.core.url, { method, path, as: world.credentials.admin })
        expect([400, 404, 405, 422], `${method} ${path}: ${answer.text}`).toContain(answer.status)
      }
    }
  })
})

describe('a body has in it what may be set, and all else is nothing (1: CVE-2019-16097; mass assignment)', () => {
  it('of a user, by themselves', async () => {
    const path = `/users/${world.ids.guest}`
    const more = { sysadmin_flag: true, admin_role_in_auth: true, user_id: 1, username: 'root', password: 'Changed1x' }
    const body = { email: 'guest@example.org', realname: 'Guest', comment: '', ...more }
    const as = world.credentials.guest
    expect((await ask(world.core.url, { method: 'PUT', path, body, as })).status).toBe(200)
    const { body: shown } = await get('/users/current', as)
    expect(shown).toMatchObject({ username: 'guest', sysadmin_flag: false, admin_role_in_auth: false })
    expect((await get('/users', as)).status).toBe(403)
  })

  it('of a project', async () => {
    const name = 'assigned'
    const more = {
      owner_id: 1,
      owner_name: 'admin',
      project_id: 1,
      deleted: true,
      repo_count: 7,
      creation_time: '2001-01-01T00:00:00Z',
    }
    const as = world.credentials.stranger
    const body = { project_name: name, metadata: { public: 'false' }, storage_limit: 5, ...more }
    expect((await ask(world.core.url, { method: 'POST', path: '/projects', body, as })).status).toBe(201)
    const { body: shown } = await get(`/projects/${name}`, as)
    expect(shown).toMatchObject({ owner_id: world.ids.stranger, repo_count: 0 })
    const { body: summary } = await get(`/projects/${name}/summary`)
    expect(summary, 'only administrators say how much').toMatchObject({ quota: { hard: { storage: -1 } } })
  })

  it('of a robot: neither its secret nor its maker', async () => {
    const access = [{ resource: 'repository', action: 'pull' }]
    const permissions = [{ kind: 'project', namespace: world.project.name, access }]
    const more = { secret: 'Chosen4me', id: 1, creator_ref: 1, creator_type: 'local', expires_at: -1, disable: true }
    const body = { name: 'assigned', level: 'project', duration: 1, permissions, ...more }
    const made = await ask(world.core.url, {
      method: 'POST',
      path: '/robots',
      body,
      as: world.credentials.projectAdmin,
    })
    expect(made.status, made.text).toBe(201)
    const { id, secret, expires_at: expiresAt } = made.body as { id: number; secret: string; expires_at: number }
    expect(secret).not.toBe('Chosen4me')
    expect(expiresAt).toBeGreaterThan(0)
    expect((await get(`/robots/${id}`)).body).toMatchObject({ creator_ref: world.ids.projectAdmin, disable: false })
  })

  it('of a member, a label, a rule and a quota: none becomes somebody else’s', async () => {
    const { project, other } = world
    const user = await world.makeUser()
    const mid = await world.make(`/projects/${project.id}/members`, { role_id: 3, member_user: { user_id: user.id } })
    const member = { role_id: 2, entity_id: 1, project_id: other.id, id: 1 }
    await world.must(200, { method: 'PUT', path: `/projects/${project.id}/members/${mid}`, body: member })
    expect((await get(`/projects/${project.id}/members/${mid}`)).body).toMatchObject({ entity_id: user.id, role_id: 2 })
    const label = await world.make('/labels', { name: 'kept', scope: 'p', project_id: project.id })
    const changed = { name: 'kept', scope: 'g', project_id: other.id, id: 1, level: 's', deleted: true }
    await world.try({ method: 'PUT', path: `/labels/${label}`, body: changed })
    expect((await get(`/labels/${label}`)).body).toMatchObject({ id: label, scope: 'p', project_id: project.id })
    const quotas = await get(`/quotas?reference=project&reference_id=${project.id}`)
    const [quota] = quotas.body as { id: number; used: unknown }[]
    const body = { hard: { storage: 5_000_000 }, used: { storage: 0 }, ref: { id: other.id } }
    await world.must(200, { method: 'PUT', path: `/quotas/${quota?.id}`, body })
    expect((await get(`/quotas/${quota?.id}`)).body).toMatchObject({ used: quota?.used, ref: { id: project.id } })
  })

  it('names that every object has are no names of settings, policies or filters', async () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      const body = JSON.parse(`{"${name}": "true", "metadata": {"${name}": "true"}}`)
      for (const [method, path] of [
        ['PUT', '/configurations'],
        ['PUT', `/projects/${world.project.name}`],
        ['POST', `/projects/${world.project.name}/metadatas/`],
        ['PUT', `/projects/${world.project.name}/metadatas/${name}`],
      ] as const) {
        const answer = await world.try({ method, path, body })
        expect(answer.status, `${method} ${path}: ${answer.text}`).toBeLessThan(500)
      }
      expect((await get(`/projects/${world.project.name}/metadatas/${name}`)).status).toBe(404)
      expect((await get(withQuery('/users', `q=${name}%3Dx&sort=${name}`))).status).toBe(200)
    }
  })

  it('a zero byte, in a text or in a name, is refused in the words of the API', async () => {
    for (const body of ['{"project_name":"a\\u0000b"}', '{"a\\u0000b":1}']) {
      const answer = await world.try({ method: 'POST', path: '/projects', body })
      expect([answer.status, answer.body]).toEqual([
        400,
        { errors: [{ code: 'BAD_REQUEST', message: 'the body must not hold a zero byte' }] },
      ])
    }
  })
})
