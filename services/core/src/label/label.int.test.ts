import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMIN_PASSWORD, openSurroundings, type RunningCore, type Surroundings } from '../testing/harness.ts'
import { person } from '../testing/person.ts'

let surroundings: Surroundings
let core: RunningCore
let client: pg.Client
let project: number
let other: number
const admin = `admin:${ADMIN_PASSWORD}`
const [ann, bob, cat] = ['ann:Password1', 'bob:Password1', 'cat:Password1']

beforeAll(async () => {
  surroundings = await openSurroundings()
  core = await surroundings.startCore()
  client = new pg.Client({ connectionString: core.databaseUrl })
  await client.connect()
  for (const username of ['ann', 'bob', 'cat']) {
    const user = person(username)
    expect((await core.post('/users', { as: admin, body: user })).status).toBe(201)
  }
  project = await made('/projects', ann, { project_name: 'team' })
  other = await made('/projects', bob, { project_name: 'elsewhere' })
  const member = { role_id: 2, member_user: { username: 'cat' } }
  expect((await core.post('/projects/team/members', { as: ann, body: member })).status).toBe(201)
})
afterAll(async () => {
  expect(core?.errors.map(({ fields }) => fields?.err)).toEqual([])
  await client?.end()
  await core?.stop()
  await surroundings?.stop()
}, 30_000)

async function made(path: string, as: string, body: object): Promise<number> {
  const created = await core.post(path, { as, body })
  expect(created.status, created.text).toBe(201)
  return Number(created.headers.get('location')?.split('/').at(-1))
}
const ofProject = (name: string, more: object = {}) => ({ name, scope: 'p', project_id: project, ...more })

/** Until a statement of core waits for what the test has locked. */
async function somebodyWaits(): Promise<void> {
  const waiting = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
  await expect.poll(async () => (await client.query(waiting)).rows[0].n, { timeout: 10_000 }).toBeGreaterThan(0)
}

describe('a label of the suite', () => {
  it('is made by administrators and listed for anybody', async () => {
    const id = await made('/labels', admin, { name: 'stable', scope: 'g', color: '#0065AB', description: 'good' })
    expect((await core.post('/labels', { as: ann, body: { name: 'x', scope: 'g' } })).status).toBe(403)
    expect((await core.post('/labels', { body: { name: 'x', scope: 'g' } })).status).toBe(401)
    const { body, headers } = await core.get('/labels?scope=g')
    expect(body).toMatchObject([
      { id, name: 'stable', scope: 'g', project_id: 0, color: '#0065AB', description: 'good' },
    ])
    expect(headers.get('x-total-count')).toBe('1')
    expect((await core.get(`/labels/${id}`, { as: admin })).body).toMatchObject({ name: 'stable' })
    expect((await core.get(`/labels/${id}`, { as: ann })).status).toBe(403)
  })

  it('shares its name with none of its kind', async () => {
    expect((await core.post('/labels', { as: admin, body: { name: 'stable', scope: 'g' } })).status).toBe(409)
    await made('/labels', ann, ofProject('stable'))
    await made('/labels', bob, { name: 'stable', scope: 'p', project_id: other })
    expect((await core.post('/labels', { as: ann, body: ofProject('stable') })).status).toBe(409)
  })
})

describe('a label of a project', () => {
  it('is made and changed by who may, and seen by members', async () => {
    const id = await made('/labels', ann, ofProject('prod'))
    const status = async (as?: string) => (await core.get(`/labels/${id}`, { as })).status
    expect([await status(ann), await status(cat), await status(admin)]).toEqual([200, 200, 200])
    expect([await status(bob), await status()]).toEqual([403, 401])
    expect((await core.post('/labels', { as: cat, body: ofProject('mine') })).status).toBe(403)
    expect((await core.put(`/labels/${id}`, { as: cat, body: { name: 'mine' } })).status).toBe(403)
    expect((await core.delete(`/labels/${id}`, { as: cat })).status).toBe(403)
    const changed = { name: 'live', color: 'red', description: 'in use', scope: 'g', project_id: 0, id: 99 }
    expect((await core.put(`/labels/${id}`, { as: ann, body: changed })).status).toBe(200)
    expect((await core.get(`/labels/${id}`, { as: ann })).body).toMatchObject({
      ...changed,
      id,
      scope: 'p',
      project_id: project,
    })
    expect((await core.put(`/labels/${id}`, { as: ann, body: { name: 'stable' } })).status).toBe(409)
    expect((await core.put(`/labels/${id}`, { as: ann, body: { color: 'red' } })).status).toBe(400)
  })

  it('is not made in a project that goes in the same moment', async () => {
    const going = await made('/projects', ann, { project_name: 'going' })
    await client.query('BEGIN')
    await client.query('DELETE FROM core.projects WHERE id = $1', [going])
    const late = core.post('/labels', { as: ann, body: { name: 'late', scope: 'p', project_id: going } })
    await somebodyWaits()
    await client.query('COMMIT')
    expect((await late).status).toBe(412)
  })

  it('of another project looks like none at all', async () => {
    const theirs = await made('/labels', bob, { name: 'theirs', scope: 'p', project_id: other })
    for (const id of [theirs, 999_999, 9_999_999_999]) {
      for (const [as, status] of [
        [undefined, 401],
        [ann, 403],
      ] as const) {
        expect((await core.get(`/labels/${id}`, { as })).status).toBe(status)
        expect((await core.put(`/labels/${id}`, { as, body: { name: 'taken' } })).status).toBe(status)
        expect((await core.delete(`/labels/${id}`, { as })).status).toBe(status)
      }
    }
    expect((await core.get('/labels/999999', { as: admin })).status).toBe(404)
    expect((await core.post('/labels', { as: ann, body: ofProject('x', { project_id: other }) })).status).toBe(403)
    expect((await core.post('/labels', { as: ann, body: ofProject('x', { project_id: 999 }) })).status).toBe(403)
    expect((await core.get(`/labels/${theirs}`, { as: bob })).body).toMatchObject({ name: 'theirs' })
  })

  it('is listed for who may see it, filtered, sorted and by pages', async () => {
    for (const name of ['a-1', 'a-2', 'b-1']) await made('/labels', ann, ofProject(name))
    const list = async (query: string, as?: string) => {
      const { status, body, headers } = await core.get(`/labels?scope=p&project_id=${project}&${query}`, { as })
      const names = status === 200 ? (body as { name: string }[]).map(({ name }) => name) : []
      return { status, names, total: headers.get('x-total-count') }
    }
    expect(await list('name=A-&sort=-name', cat)).toMatchObject({ names: ['a-2', 'a-1'], total: '2' })
    expect(await list('q=name=~-1&page_size=1&page=2', ann)).toMatchObject({ names: ['b-1'], total: '2' })
    expect(await list('name=_', ann)).toMatchObject({ names: [], total: '0' })
    expect((await list('', bob)).status).toBe(403)
    expect((await list('')).status).toBe(401)
  })

  it.each(['scope=x', 'scope=p', 'scope=p&project_id=0', ''])('is not listed with "%s"', async (query) => {
    expect((await core.get(`/labels?${query}`, { as: admin })).status).toBe(400)
  })
})

describe('deleting a label', () => {
  it('takes it off artifacts, and frees its name', async () => {
    const { content } = surroundings.peers
    const id = await made('/labels', ann, ofProject('doomed'))
    content.push({ repository: 'team/app', tags: ['v1'], facts: { labels: [id] } })
    content.setTurns(2)
    expect((await core.delete(`/labels/${id}`, { as: ann })).status).toBe(200)
    content.setTurns(0)
    expect(content.asked.filter((ask) => ask === 'label.purge')).toHaveLength(3)
    expect((await core.get(`/labels/${id}`, { as: admin })).status).toBe(404)
    expect((await core.delete(`/labels/${id}`, { as: admin })).status).toBe(404)
    expect(await made('/labels', ann, ofProject('doomed'))).toBeGreaterThan(id)
  })

  it('is done at once while the registry is away, which takes it off later', async () => {
    const { peers } = surroundings
    const id = await made('/labels', ann, ofProject('later'))
    await peers.silence('registry')
    expect((await core.delete(`/labels/${id}`, { as: ann })).status).toBe(200)
    expect((await core.get(`/labels/${id}`, { as: admin })).status).toBe(404)
    await peers.wake('registry')
    const rows = async () => (await client.query('SELECT id FROM core.labels WHERE id = $1', [id])).rowCount
    await core.assembled.labels.sweep()
    expect(await rows()).toBe(1)
    await client.query(`UPDATE core.labels SET deleted_at = now() - interval '61 seconds' WHERE id = $1`, [id])
    await core.assembled.labels.sweep()
    expect(await rows()).toBe(0)
  })

  it('is in the audit log with who did it', async () => {
    const { rows } = await client.query(
      `SELECT username, operation, project_id FROM core.audit_log
       WHERE resource_type = 'label' AND resource = 'later' AND succeeded ORDER BY occurred_at`,
    )
    expect(rows).toEqual([
      { username: 'ann', operation: 'create', project_id: project },
      { username: 'ann', operation: 'delete', project_id: project },
    ])
  })
})
