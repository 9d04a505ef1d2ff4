import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMIN_PASSWORD, openSurroundings, type RunningCore, type Surroundings } from '../testing/harness.ts'
import { person } from '../testing/person.ts'

let surroundings: Surroundings
let core: RunningCore
const admin = `admin:${ADMIN_PASSWORD}`
const [ann, bob, cat] = ['ann:Password1', 'bob:Password1', 'cat:Password1']
const PATH = '/projects/team/metadatas'

beforeAll(async () => {
  surroundings = await openSurroundings()
  core = await surroundings.startCore()
  for (const username of ['ann', 'bob', 'cat']) {
    const user = person(username)
    expect((await core.post('/users', { as: admin, body: user })).status).toBe(201)
  }
  expect((await core.post('/projects', { as: ann, body: { project_name: 'team' } })).status).toBe(201)
  const member = { role_id: 4, member_user: { username: 'cat' } }
  expect((await core.post('/projects/team/members', { as: ann, body: member })).status).toBe(201)
})
afterAll(async () => {
  expect(core?.errors.map(({ fields }) => fields?.err)).toEqual([])
  await core?.stop()
  await surroundings?.stop()
}, 30_000)

const add = (body: object, as = ann) => core.post(`${PATH}/`, { as, body })
const status = async (reply: Promise<{ status: number }>) => (await reply).status

describe('metadata of a project, one by one', () => {
  it('is added, read, changed and taken away, each time in force', async () => {
    const { put } = surroundings.peers
    expect(await status(core.get(`${PATH}/stream_blobs`, { as: ann }))).toBe(404)
    expect(await status(add({ stream_blobs: 'True' }))).toBe(200)
    expect(put.at(-1)).toMatchObject({ policy: { streamBlobs: true } })
    expect((await core.get(`${PATH}/stream_blobs`, { as: cat })).body).toEqual({ stream_blobs: 'true' })
    expect(await status(add({ stream_blobs: 'false' }))).toBe(409)
    const change = { as: ann, body: { stream_blobs: 'false' } }
    expect(await status(core.put(`${PATH}/stream_blobs`, change))).toBe(200)
    expect(put.at(-1)).toMatchObject({ policy: { streamBlobs: false } })
    expect(await status(core.delete(`${PATH}/stream_blobs`, { as: ann }))).toBe(200)
    expect(await status(core.delete(`${PATH}/stream_blobs`, { as: ann }))).toBe(404)
    expect(await status(core.put(`${PATH}/stream_blobs`, change))).toBe(404)
  })

  it('has the visibility among it, which ends tokens when it changes', async () => {
    const { put } = surroundings.peers
    const before = put.at(-1)?.accessRevision ?? 0
    expect((await core.get(`${PATH}/public`, { as: ann })).body).toEqual({ public: 'false' })
    expect(await status(add({ public: 'true' }))).toBe(409)
    expect(await status(core.put(`${PATH}/public`, { as: ann, body: { public: 'true' } }))).toBe(200)
    expect(put.at(-1)).toMatchObject({ public: true, accessRevision: before + 1 })
    expect(await status(core.get('/projects/team', { as: bob }))).toBe(200)
    expect(await status(core.delete(`${PATH}/public`, { as: ann }))).toBe(200)
    expect(put.at(-1)).toMatchObject({ public: false, accessRevision: before + 2 })
    expect(await status(core.get('/projects/team', { as: bob }))).toBe(403)
  })

  it('is all to be had by administrators of the suite, and by robots that were given it', async () => {
    await add({ severity: 'High' })
    const all = { public: 'false', severity: 'high' }
    expect((await core.get(`${PATH}/`, { as: admin })).body).toEqual(all)
    expect(await status(core.get(`${PATH}/`, { as: ann }))).toBe(403)
    const robot = {
      name: 'reader',
      level: 'project',
      duration: -1,
      permissions: [{ kind: 'project', namespace: 'team', access: [{ resource: 'metadata', action: 'list' }] }],
    }
    const { body } = await core.post('/robots', { as: ann, body: robot })
    const { name, secret } = body as { name: string; secret: string }
    expect((await core.get(`${PATH}/`, { as: `${name}:${secret}` })).body).toEqual(all)
    expect(await status(core.get(`${PATH}/severity`, { as: `${name}:${secret}` }))).toBe(403)
  })

  it('is changed by administrators of the project, read by maintainers', async () => {
    expect(await status(core.get(`${PATH}/severity`, { as: cat }))).toBe(200)
    for (const [as, code] of [
      [cat, 403],
      [bob, 403],
      [undefined, 401],
    ] as const) {
      expect(await status(core.post(`${PATH}/`, { as, body: { auto_scan: 'true' } }))).toBe(code)
      expect(await status(core.put(`${PATH}/severity`, { as, body: { severity: 'low' } }))).toBe(code)
      expect(await status(core.delete(`${PATH}/severity`, { as }))).toBe(code)
    }
    expect(await status(core.get(`${PATH}/severity`, { as: bob }))).toBe(403)
    expect(await status(core.get(`${PATH}/severity`))).toBe(401)
  })

  it.each([
    {},
    { severity: 'low', auto_scan: 'true' },
    { colour: 'red' },
    { auto_scan: 'perhaps' },
    { proxy_speed_kb: '5' },
  ])('is refused as %j', async (body) => {
    expect(await status(add(body))).toBe(400)
  })

  it('is there with a slash at the end of the path and without', async () => {
    for (const path of ['/projects/library/metadatas', '/projects/library/metadatas/']) {
      expect((await core.get(path, { as: admin })).body).toEqual({ public: 'true' })
    }
  })

  it('is changed under the key of the path alone', async () => {
    const put = (body: object) => status(core.put(`${PATH}/severity`, { as: ann, body }))
    expect(await put({ auto_scan: 'true' })).toBe(400)
    expect(await put({ severity: 'low', auto_scan: 'true' })).toBe(400)
    expect(await put({ severity: 'awful' })).toBe(400)
    expect(await status(core.get(`${PATH}/__proto__`, { as: ann }))).toBe(404)
    expect((await core.get(`${PATH}/severity`, { as: ann })).body).toEqual({ severity: 'high' })
  })
})
