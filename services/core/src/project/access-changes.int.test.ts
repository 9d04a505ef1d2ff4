import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMIN_PASSWORD, openSurroundings, type RunningCore, type Surroundings } from '../testing/harness.ts'

let surroundings: Surroundings
let core: RunningCore
const admin = `admin:${ADMIN_PASSWORD}`
const MANY = Array.from({ length: 12 }, (_, n) => n)

beforeAll(async () => {
  surroundings = await openSurroundings()
  core = await surroundings.startCore()
  expect((await core.post('/projects', { as: admin, body: { project_name: 'busy' } })).status).toBe(201)
})
afterAll(async () => {
  expect(core?.errors.map(({ fields }) => fields?.err)).toEqual([])
  await core?.stop()
  await surroundings?.stop()
}, 30_000)

const accessRevision = () =>
  surroundings.peers.put
    .filter(({ name }) => name === 'busy')
    .reduce((max, one) => Math.max(max, one.accessRevision), 0)

describe('changes of who may do what in one project, at the same time', () => {
  it('let everybody in who is made a member', async () => {
    for (const n of MANY) {
      const body = { username: `user-${n}`, email: `user-${n}@x.org`, realname: `User ${n}`, password: 'Password1' }
      expect((await core.post('/users', { as: admin, body })).status).toBe(201)
    }
    const before = accessRevision()
    const added = await Promise.all(
      MANY.map((n) => {
        const body = { role_id: 2, member_user: { username: `user-${n}` } }
        return core.post('/projects/busy/members', { as: admin, body })
      }),
    )
    expect(added.map(({ status }) => status)).toEqual(MANY.map(() => 201))
    expect(accessRevision()).toBe(before + MANY.length)
  })

  it('change every robot', async () => {
    const permissions = (action: string) => [
      { kind: 'project', namespace: 'busy', access: [{ resource: 'repository', action }] },
    ]
    const robots: { id: number; name: string }[] = []
    for (const n of MANY) {
      const body = { name: `ci-${n}`, level: 'project', duration: -1, permissions: permissions('pull') }
      robots.push((await core.post('/robots', { as: admin, body })).body as { id: number; name: string })
    }
    const changed = await Promise.all(
      robots.map(({ id, name }) => {
        const body = { name, level: 'project', duration: -1, permissions: permissions('push') }
        return core.put(`/robots/${id}`, { as: admin, body })
      }),
    )
    expect(changed.map(({ status }) => status)).toEqual(MANY.map(() => 200))
  })
})

describe('a member made while the project goes', () => {
  it('is not made', async () => {
    expect((await core.post('/projects', { as: admin, body: { project_name: 'going' } })).status).toBe(201)
    const client = new pg.Client({ connectionString: core.databaseUrl })
    await client.connect()
    await client.query('BEGIN')
    await client.query(`DELETE FROM core.projects WHERE name = 'going'`)
    const body = { role_id: 2, member_user: { username: 'user-1' } }
    const added = core.post('/projects/going/members', { as: admin, body })
    const waiting = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
    await expect.poll(async () => (await client.query(waiting)).rows[0].n, { timeout: 10_000 }).toBeGreaterThan(0)
    await client.query('COMMIT')
    await client.end()
    expect((await added).status).toBe(412)
  })
})
