import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ADMIN_PASSWORD, openSurroundings, type RunningCore, type Surroundings } from '../testing/harness.ts'

let surroundings: Surroundings
let core: RunningCore
const admin = `admin:${ADMIN_PASSWORD}`
const ann = 'ann:Password1'
const PATH = '/system/CVEAllowlist'

beforeAll(async () => {
  surroundings = await openSurroundings()
  core = await surroundings.startCore()
  const user = { username: 'ann', email: 'ann@x.org', realname: 'ann', password: 'Password1' }
  expect((await core.post('/users', { as: admin, body: user })).status).toBe(201)
  const projects: [string, object][] = [
    ['open', {}],
    ['strict', { prevent_vul: 'true' }],
    ['reusing', { prevent_vul: 'true', reuse_sys_cve_allowlist: 'true' }],
    ['own', { prevent_vul: 'true', reuse_sys_cve_allowlist: 'false' }],
  ]
  for (const [project_name, metadata] of projects) {
    expect((await core.post('/projects', { as: ann, body: { project_name, metadata } })).status).toBe(201)
  }
})
afterAll(async () => {
  expect(core?.errors.map(({ fields }) => fields?.err)).toEqual([])
  await core?.stop()
  await surroundings?.stop()
}, 30_000)
beforeEach(() => {
  surroundings.peers.put.length = 0
})

const items = (...ids: string[]) => ids.map((cve_id) => ({ cve_id }))
const put = (body: object, as = admin) => core.put(PATH, { as, body })
const told = () =>
  surroundings.peers.put.map(({ name, policy }) => [name, policy.cveAllowlist]).sort((a, b) => (a < b ? -1 : 1))

describe('the allowlist of the suite', () => {
  it('is empty and without end until somebody says otherwise', async () => {
    expect((await core.get(PATH, { as: ann })).body).toMatchObject({
      project_id: 0,
      items: [],
      expires_at: null,
    })
  })

  it('is in force in every project that heeds it before it is answered', async () => {
    const changed = await put({ items: items('CVE-2026-1', 'CVE-2026-2'), expires_at: 1_900_000_000 })
    expect(changed.status, changed.text).toBe(200)
    expect(told()).toEqual([
      ['reusing', ['CVE-2026-1', 'CVE-2026-2']],
      ['strict', ['CVE-2026-1', 'CVE-2026-2']],
    ])
    expect(surroundings.peers.put[0]?.policy.cveAllowlistUntil).toBe('2030-03-17T17:46:40.000Z')
    expect((await core.get(PATH, { as: ann })).body).toMatchObject({
      items: items('CVE-2026-1', 'CVE-2026-2'),
      expires_at: 1_900_000_000,
    })
  })

  it('is emptied by no items at all, which is how clients in Go say none', async () => {
    expect((await put({ items: null, expires_at: null })).status).toBe(200)
    expect((await core.get(PATH, { as: ann })).body).toMatchObject({ items: [], expires_at: null })
    expect((await put({ items: items('CVE-2026-1', 'CVE-2026-2') })).status).toBe(200)
  })

  it('is what a project goes by once it prevents pulls, and no more once it has its own', async () => {
    await put({ items: items('CVE-2026-3') })
    surroundings.peers.put.length = 0
    const set = (metadata: object) => core.put('/projects/open', { as: ann, body: { metadata } })
    await set({ prevent_vul: 'true' })
    await set({ reuse_sys_cve_allowlist: 'false' })
    await set({ prevent_vul: 'false' })
    expect(told()).toEqual([
      ['open', []],
      ['open', []],
      ['open', ['CVE-2026-3']],
    ])
  })

  it('is for whoever has signed in to see, and for administrators to change', async () => {
    expect((await core.get(PATH)).status).toBe(401)
    expect((await put({ items: [] }, ann)).status).toBe(403)
    expect((await core.put(PATH, { body: { items: [] } })).status).toBe(401)
  })

  it.each([
    { items: items('not a cve') },
    { items: [{}] },
    { items: items('CVE-1', 'CVE-1') },
    { items: [], expires_at: -5 },
  ])('is refused as %j', async (body) => {
    expect((await put(body)).status).toBe(400)
  })

  it('never leaves a project with an older list, whoever changes it in the same moment', async () => {
    const lists = Array.from({ length: 8 }, (_, n) => put({ items: items(`CVE-2026-${100 + n}`) }))
    const projects = Array.from({ length: 8 }, (_, n) =>
      core.post('/projects', { as: ann, body: { project_name: `raced-${n}`, metadata: { prevent_vul: 'true' } } }),
    )
    for (const { status, text } of await Promise.all([...lists, ...projects]))
      expect([200, 201], text).toContain(status)
    const { body } = await core.get(PATH, { as: ann })
    const last = (body as { items: { cve_id: string }[] }).items.map(({ cve_id }) => cve_id)
    const newest = new Map<string, { revision: number; list: string[] }>()
    for (const { name, revision, policy } of surroundings.peers.put) {
      if ((newest.get(name)?.revision ?? -1) < revision) newest.set(name, { revision, list: policy.cveAllowlist })
    }
    for (let n = 0; n < 8; n++) expect(newest.get(`raced-${n}`)?.list).toEqual(last)
  })
})
