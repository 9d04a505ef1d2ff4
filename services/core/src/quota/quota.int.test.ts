import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMIN_PASSWORD, openSurroundings, type RunningCore, type Surroundings } from '../testing/harness.ts'

let surroundings: Surroundings
let core: RunningCore
const admin = `admin:${ADMIN_PASSWORD}`
const ann = 'ann:Password1'
const MIB = 1024 ** 2
const ids = new Map<string, number>()

beforeAll(async () => {
  surroundings = await openSurroundings()
  core = await surroundings.startCore()
  const user = { username: 'ann', email: 'ann@x.org', realname: 'ann', password: 'Password1' }
  expect((await core.post('/users', { as: admin, body: user })).status).toBe(201)
  for (const [name, storage_limit] of [
    ['small', MIB],
    ['large', 3 * MIB],
    ['free', -1],
  ] as const) {
    const made = await core.post('/projects', { as: admin, body: { project_name: name, storage_limit } })
    expect(made.status, made.text).toBe(201)
    ids.set(name, Number(made.headers.get('location')?.split('/').at(-1)))
  }
  const { content } = surroundings.peers
  content.push({ repository: 'small/app', tags: ['v1'], facts: { sizeBytes: 5_000 } })
  content.push({ repository: 'large/app', tags: ['v1'], facts: { sizeBytes: 9_000 } })
  content.push({ repository: 'free/app', tags: ['v1'], facts: { sizeBytes: 1_000 } })
})
afterAll(async () => {
  expect(core?.errors.map(({ fields }) => fields?.err)).toEqual([])
  await core?.stop()
  await surroundings?.stop()
}, 30_000)

interface Shown {
  id: number
  ref: { id: number; name: string; owner_name: string }
  hard: { storage: number }
  used: { storage: number }
}
async function list(query: string, as = admin): Promise<{ names: string[]; total: string | null; body: Shown[] }> {
  const { status, body, headers, text } = await core.get(`/quotas?${query}`, { as })
  expect(status, text).toBe(200)
  const shown = body as Shown[]
  return { names: shown.map(({ ref }) => ref.name), total: headers.get('x-total-count'), body: shown }
}

describe('quotas', () => {
  it('are listed with what may be and is used', async () => {
    const { body, total } = await list('')
    expect(total).toBe('4')
    expect(body).toMatchObject([
      { id: 1, ref: { id: 1, name: 'library', owner_name: 'admin' }, hard: { storage: -1 }, used: { storage: 0 } },
      { id: ids.get('small'), ref: { name: 'small' }, hard: { storage: MIB } },
      { ref: { name: 'large' }, hard: { storage: 3 * MIB } },
      { ref: { name: 'free' }, hard: { storage: -1 } },
    ])
  })

  it('are sorted by limit and by usage', async () => {
    expect((await list('sort=hard.storage')).names).toEqual(['library', 'free', 'small', 'large'])
    expect((await list('sort=-hard.storage&page_size=2')).names).toEqual(['large', 'small'])
    const used = await list('sort=-used.storage')
    expect(used.names).toEqual(['large', 'small', 'free'])
    expect(used.body.map(({ used: { storage } }) => storage)).toEqual([9_000, 5_000, 1_000])
    expect(used.body.map(({ hard: { storage } }) => storage)).toEqual([3 * MIB, MIB, -1])
    expect((await list('sort=used.storage&page=2&page_size=2')).names).toEqual(['large'])
    expect((await list('sort=password_hash,-hard.storage&page_size=0')).names[0]).toBe('large')
  })

  it('cost the same number of asks however many are on a page', async () => {
    const { peers } = surroundings
    for (const query of ['', 'sort=-hard.storage', 'page_size=1']) {
      peers.counts = 0
      await list(query)
      expect(peers.counts).toBe(1)
    }
    peers.content.asked.length = 0
    await list('sort=used.storage&page_size=100')
    expect(peers.content.asked).toEqual(['project.usage'])
  })

  it('are found by the project they are about', async () => {
    const id = ids.get('large')
    expect(await list(`reference=project&reference_id=${id}`)).toMatchObject({ names: ['large'], total: '1' })
    expect(await list(`reference_id=${id}&page=2`)).toMatchObject({ names: [], total: '1' })
    for (const none of [99_999, 999_999_999_999_999]) {
      expect(await list(`reference=project&reference_id=${none}`)).toMatchObject({ names: [], total: '0' })
    }
    expect(await list(`reference_id=${id}%20OR%201=1`)).toMatchObject({ names: [], total: '0' })
    expect(await list('reference=user')).toMatchObject({ names: [], total: '0' })
    expect((await core.get(`/quotas/${id}`, { as: admin })).body).toMatchObject({ id, ref: { id, name: 'large' } })
    expect((await core.get('/quotas/99999', { as: admin })).status).toBe(404)
  })

  it('are for administrators, and for robots that were given them', async () => {
    for (const [as, status] of [
      [ann, 403],
      [undefined, 401],
    ] as const) {
      expect((await core.get('/quotas', { as })).status).toBe(status)
      expect((await core.get('/quotas/1', { as })).status).toBe(status)
      expect((await core.get('/quotas/99999', { as })).status).toBe(status)
      expect((await core.put('/quotas/1', { as, body: { hard: { storage: -1 } } })).status).toBe(status)
    }
    const access = [
      { resource: 'quota', action: 'list' },
      { resource: 'quota', action: 'read' },
    ]
    const robot = {
      name: 'watcher',
      level: 'system',
      duration: -1,
      permissions: [{ kind: 'system', namespace: '/', access }],
    }
    const { body } = await core.post('/robots', { as: admin, body: robot })
    const { name, secret } = body as { name: string; secret: string }
    const watcher = `${name}:${secret}`
    expect((await list('', watcher)).total).toBe('4')
    expect((await core.put('/quotas/1', { as: watcher, body: { hard: { storage: -1 } } })).status).toBe(403)
  })
})

describe('changing a quota', () => {
  it('is in force before it is answered, also below what is used', async () => {
    const id = ids.get('small')
    for (const storage of [1_000, 1024 ** 5, -1]) {
      const changed = await core.put(`/quotas/${id}`, { as: admin, body: { hard: { storage } } })
      expect(changed.status, changed.text).toBe(200)
      expect(surroundings.peers.put.at(-1)).toMatchObject({ id, quotaLimitBytes: storage, accessRevision: 1 })
      expect((await core.get('/projects/small/summary', { as: admin })).body).toMatchObject({
        quota: { hard: { storage } },
      })
    }
  })

  it.each([0, -2, 1024 ** 5 + 1, 1.5])('to %d is refused', async (storage) => {
    const refused = await core.put('/quotas/1', { as: admin, body: { hard: { storage } } })
    expect(refused.status, refused.text).toBe(400)
  })

  it.each([{}, { hard: {} }, { hard: { storage: 5, count: 1 } }, { hard: { count: -1 } }])(
    'needs storage and nothing else: %j',
    async (body) => {
      expect((await core.put('/quotas/1', { as: admin, body })).status).toBe(400)
    },
  )

  it('of a project that is not there is 404', async () => {
    expect((await core.put('/quotas/99999', { as: admin, body: { hard: { storage: 5 } } })).status).toBe(404)
  })
})
