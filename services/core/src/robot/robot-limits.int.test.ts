import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMIN_PASSWORD, openSurroundings, type RunningCore, type Surroundings } from '../testing/harness.ts'

let surroundings: Surroundings
let core: RunningCore
let client: pg.Client
const admin = `admin:${ADMIN_PASSWORD}`

beforeAll(async () => {
  surroundings = await openSurroundings()
  core = await surroundings.startCore()
  client = new pg.Client({ connectionString: core.databaseUrl })
  await client.connect()
  for (const project_name of ['mine', 'theirs']) await core.post('/projects', { as: admin, body: { project_name } })
})
afterAll(async () => {
  expect(core?.errors.map(({ fields }) => fields?.err)).toEqual([])
  await client?.end()
  await core?.stop()
  await surroundings?.stop()
}, 30_000)

function post(name: string, namespace: string, level: string, as = admin) {
  const permissions = [{ kind: 'project', namespace, access: [{ resource: 'project', action: 'read' }] }]
  return core.post('/robots', { as, body: { name, level, duration: -1, permissions } })
}

/** Until a statement of core waits for what the test has locked. */
async function somebodyWaits(): Promise<void> {
  const waiting = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
  await expect.poll(async () => (await client.query(waiting)).rows[0].n, { timeout: 10_000 }).toBeGreaterThan(0)
}

describe('a robot, while others are at work', () => {
  it('ends with its tokens also where somebody gave it more meanwhile', async () => {
    const { id } = (await post('raced', 'mine', 'system')).body as { id: number }
    const theirs = await client.query(`SELECT id FROM core.projects WHERE name = 'theirs'`)
    await client.query('BEGIN')
    await client.query('SELECT FROM core.robots WHERE id = $1 FOR UPDATE', [id])
    await client.query(
      `INSERT INTO core.robot_permissions (robot_id, scope, project_id, access)
       VALUES ($1, 'project', $2, '[["repository", "pull"]]')`,
      [id, theirs.rows[0].id],
    )
    surroundings.peers.put.length = 0
    const deleted = core.delete(`/robots/${id}`, { as: admin })
    await somebodyWaits()
    await client.query('COMMIT')
    expect((await deleted).status).toBe(200)
    expect(surroundings.peers.put.map(({ name }) => name).sort()).toEqual(['mine', 'theirs'])
  })

  it.each(['project', 'system'])('of level %s is not made for a project that goes', async (level) => {
    const name = `going-${level}`
    expect((await core.post('/projects', { as: admin, body: { project_name: name } })).status).toBe(201)
    await client.query('BEGIN')
    await client.query('DELETE FROM core.projects WHERE name = $1', [name])
    const made = post('late', name, level)
    await somebodyWaits()
    await client.query('COMMIT')
    expect((await made).status).toBe(412)
  })
})

describe('robots of the same name', () => {
  it('sign in each for itself', async () => {
    const made = new Map<string, { name: string; secret: string }>()
    for (const [namespace, level] of [
      ['mine', 'project'],
      ['theirs', 'project'],
      ['library', 'system'],
    ] as const) {
      const { body } = await post('same', namespace, level)
      made.set(namespace, body as { name: string; secret: string })
    }
    const names = [...made.values()].map(({ name }) => name)
    expect(names).toEqual(['robot$mine+same', 'robot$theirs+same', 'robot$same'])
    const statuses = async (secret: string) =>
      Promise.all(
        [...names, 'robot$no-such+same'].map(async (name) => {
          return (await core.get('/statistics', { as: `${name}:${secret}` })).status
        }),
      )
    expect(await statuses(made.get('mine')?.secret ?? '')).toEqual([200, 401, 401, 401])
    expect(await statuses(made.get('theirs')?.secret ?? '')).toEqual([401, 200, 401, 401])
    expect(await statuses(made.get('library')?.secret ?? '')).toEqual([401, 401, 200, 401])
  })
})

describe('the projects a robot lists', () => {
  let made = 0
  const listed = async (level: string, permissions: object[]) => {
    const body = { name: `lister-${++made}`, level, duration: -1, permissions }
    const { name, secret } = (await core.post('/robots', { as: admin, body })).body as { name: string; secret: string }
    const { body: projects } = await core.get('/projects?q=name=%7B"library" "mine" "theirs"%7D', {
      as: `${name}:${secret}`,
    })
    return (projects as { name: string }[]).map((project) => project.name)
  }
  const one = (kind: string, namespace: string, resource: string, action: string) => [
    { kind, namespace, access: [{ resource, action }] },
  ]

  it('are those it was given something in, and the public ones', async () => {
    expect(await listed('project', one('project', 'mine', 'repository', 'pull'))).toEqual(['library', 'mine'])
    expect(await listed('system', one('project', 'theirs', 'tag', 'list'))).toEqual(['library', 'theirs'])
    expect(await listed('system', one('system', '/', 'catalog', 'read'))).toEqual(['library'])
  })

  it('are all for one that was given something in every project, or may list projects', async () => {
    const all = ['library', 'mine', 'theirs']
    expect(await listed('system', one('project', '*', 'repository', 'pull'))).toEqual(all)
    expect(await listed('system', one('system', '/', 'project', 'list'))).toEqual(all)
  })
})

describe('a robot that makes others', () => {
  it('does not learn which projects there are', async () => {
    const access = [{ resource: 'robot', action: 'create' }]
    const permissions = [{ kind: 'system', namespace: '/', access }]
    const body = { name: 'prober', level: 'system', duration: -1, permissions }
    const { name, secret } = (await core.post('/robots', { as: admin, body })).body as { name: string; secret: string }
    const [hidden, missing] = [
      await post('probe', 'theirs', 'system', `${name}:${secret}`),
      await post('probe', 'no-such', 'system', `${name}:${secret}`),
    ]
    expect([missing.status, missing.text]).toEqual([hidden.status, hidden.text])
    expect(hidden.status).toBe(403)
    expect((await post('probe', 'no-such', 'system')).status).toBe(404)
  })
})
