import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { ADMIN_PASSWORD, openSurroundings, type RunningCore, type Surroundings } from '../testing/harness.ts'
import type { ProjectDeletion } from './project-deletion.ts'

let surroundings: Surroundings
let core: RunningCore
let client: pg.Client
let deletion: ProjectDeletion
const admin = `admin:${ADMIN_PASSWORD}`

beforeAll(async () => {
  surroundings = await openSurroundings()
  core = await surroundings.startCore()
  client = new pg.Client({ connectionString: core.databaseUrl })
  await client.connect()
  deletion = core.assembled.deletion
})
afterAll(async () => {
  await client?.end()
  await core?.stop()
  await surroundings?.stop()
}, 30_000)

/** A project whose deletion began so long ago and was never finished. */
async function abandoned(name: string, age: string): Promise<number> {
  const created = await core.post('/projects', { as: admin, body: { project_name: name } })
  expect(created.status).toBe(201)
  await client.query(
    `UPDATE core.projects SET state = 'deleting', deleting_since = now() - $2::interval, deleting_by = 'ann', revision = revision + 1,
       access_revision = access_revision + 1 WHERE name = $1`,
    [name, age],
  )
  return Number(created.headers.get('location')?.split('/').at(-1))
}

describe('a deletion nobody finished', () => {
  it('is finished after a minute', async () => {
    await abandoned('left', '61 seconds')
    await deletion.sweep()
    expect((await core.get('/projects/left', { as: admin })).status).toBe(404)
  })

  it('is in the audit log under the name of who began it', async () => {
    await abandoned('remembered', '61 seconds')
    await deletion.sweep()
    const { rows } = await client.query(
      `SELECT username, operation, resource_type FROM core.audit_log WHERE resource = 'remembered' ORDER BY id DESC LIMIT 1`,
    )
    expect(rows).toEqual([{ username: 'ann', operation: 'delete', resource_type: 'project' }])
  })

  it('is left alone before that', async () => {
    await abandoned('young', '30 seconds')
    await deletion.sweep()
    expect((await core.get('/projects/young', { as: admin })).status).toBe(200)
  })

  it('is taken back when the project holds something after all', async () => {
    const id = await abandoned('kept', '2 minutes')
    surroundings.peers.repositories.set(id, 1)
    await deletion.sweep()
    expect(surroundings.peers.put.at(-1)).toMatchObject({ id, state: 'open', revision: 3, accessRevision: 3 })
    expect((await core.put('/projects/kept', { as: admin, body: { public: true } })).status).toBe(200)
  })

  it('waits while the registry cannot be reached', async () => {
    await abandoned('patient', '2 minutes')
    await surroundings.peers.silence('registry')
    await expect(deletion.sweep()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await surroundings.peers.wake('registry')
    await deletion.sweep()
    expect((await core.head('/projects?project_name=patient', { as: admin })).status).toBe(404)
  })

  it('does not keep those after it waiting when it cannot be finished', async () => {
    const stuck = await abandoned('stuck', '3 minutes')
    await abandoned('behind', '2 minutes')
    const { repositories } = surroundings.peers
    const get = vi.spyOn(repositories, 'get').mockImplementation((id) => {
      if (id === stuck) throw new Error('the row is broken')
      return undefined
    })
    await deletion.sweep()
    get.mockRestore()
    expect((await core.head('/projects?project_name=behind', { as: admin })).status).toBe(404)
    expect((await core.head('/projects?project_name=stuck', { as: admin })).status).toBe(200)
    await deletion.sweep()
    expect((await core.head('/projects?project_name=stuck', { as: admin })).status).toBe(404)
  })

  it('is finished once, whoever goes on with it', async () => {
    await abandoned('contested', '2 minutes')
    const before = surroundings.peers.put.length
    await Promise.all([deletion.sweep(), deletion.sweep(), deletion.sweep()])
    expect(surroundings.peers.put.slice(before)).toMatchObject([{ name: 'contested', state: 'deleted' }])
  })
})
