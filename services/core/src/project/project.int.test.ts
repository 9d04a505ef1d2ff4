import { NO_POLICY } from '@berth/types'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ADMIN_PASSWORD, openSurroundings, type RunningCore, type Surroundings } from '../testing/harness.ts'
import { person } from '../testing/person.ts'

let surroundings: Surroundings
let core: RunningCore
const admin = `admin:${ADMIN_PASSWORD}`
const ann = 'ann:Password1'
const bob = 'bob:Password1'

beforeAll(async () => {
  surroundings = await openSurroundings()
  core = await surroundings.startCore()
  for (const username of ['ann', 'bob']) {
    const user = person(username)
    expect((await core.post('/users', { as: admin, body: user })).status).toBe(201)
  }
})
afterAll(async () => {
  expect(core?.errors.map(({ fields }) => fields?.err)).toEqual([])
  await core?.stop()
  await surroundings?.stop()
}, 30_000)
beforeEach(() => {
  const { peers } = surroundings
  peers.put.length = 0
  peers.closed.length = 0
  peers.counts = 0
})

async function make(name: string, as = ann, more: object = {}): Promise<number> {
  const created = await core.post('/projects', { as, body: { project_name: name, ...more } })
  expect(created.status, created.text).toBe(201)
  return Number(created.headers.get('location')?.split('/').at(-1))
}

describe('making a project', () => {
  it('answers where it is, makes its maker the administrator, and is in force before it answers', async () => {
    const id = await make('fresh')
    expect(surroundings.peers.put).toEqual([
      {
        id,
        name: 'fresh',
        kind: 'local',
        state: 'open',
        public: false,
        accessRevision: 1,
        quotaLimitBytes: -1,
        policy: NO_POLICY,
        revision: 1,
      },
    ])
    const { body } = await core.get('/projects/fresh', { as: ann })
    expect(body).toMatchObject({
      project_id: id,
      name: 'fresh',
      owner_name: 'ann',
      current_user_role_id: 1,
      current_user_role_ids: [1],
      togglable: true,
      repo_count: 0,
      metadata: { public: 'false' },
      cve_allowlist: { project_id: id, items: [] },
    })
  })

  it('names it by its name in Location when asked to', async () => {
    const headers = { 'X-Resource-Name-In-Location': 'true' }
    const created = await core.post('/projects', { as: ann, headers, body: { project_name: 'by-name' } })
    expect(created.headers.get('location')).toBe('/api/v2.0/projects/by-name')
  })

  it('is public by metadata, or by the older field', async () => {
    await make('open-1', ann, { metadata: { public: 'true' } })
    await make('open-2', ann, { public: true })
    for (const name of ['open-1', 'open-2']) {
      expect((await core.get(`/projects/${name}`)).body).toMatchObject({ metadata: { public: 'true' } })
    }
  })

  it('keeps policies that are off, and refuses those it could not enforce', async () => {
    const off = { prevent_vul: 'false', auto_scan: 'false', severity: 'high', reuse_sys_cve_allowlist: 'true' }
    await make('policies', ann, { metadata: { public: 'false', ...off } })
    const { body } = await core.get('/projects/policies', { as: ann })
    expect(body).toMatchObject({ metadata: { public: 'false', ...off } })
    for (const metadata of [{ retention_id: '3' }, { proxy_speed_kb: '100' }, { public: 'perhaps' }]) {
      const refused = await core.post('/projects', { as: ann, body: { project_name: 'refused', metadata } })
      expect(refused.status, refused.text).toBe(400)
    }
  })

  it('hands what is demanded of pulls to the registry before it answers', async () => {
    const { peers } = surroundings
    await make('demanding', ann, { metadata: { prevent_vul: 'true', severity: 'high' } })
    expect(peers.put.at(-1)).toMatchObject({ policy: { ...NO_POLICY, preventVulnerableFrom: 'high' }, revision: 1 })
    const change = { prevent_vul: 'false', enable_content_trust: 'true', enable_content_trust_cosign: 'true' }
    const changed = await core.put('/projects/demanding', { as: ann, body: { metadata: change } })
    expect(changed.status, changed.text).toBe(200)
    expect(peers.put.at(-1)).toMatchObject({
      policy: { ...NO_POLICY, contentTrust: true, contentTrustCosign: true },
      // Nobody may do more or less than before: no token is stale.
      accessRevision: 1,
      revision: 2,
    })
    const { body } = await core.get('/projects/demanding', { as: ann })
    expect(body).toMatchObject({ metadata: { ...change, severity: 'high' } })
  })

  it('refuses a remote registry', async () => {
    const proxy = await core.post('/projects', { as: admin, body: { project_name: 'proxied', registry_id: 1 } })
    expect([proxy.status, proxy.text]).toEqual([400, expect.stringContaining('no proxy cache projects yet')])
  })

  it('keeps an allowlist of its own, which decides where pulls are prevented by it', async () => {
    const { peers } = surroundings
    const cve_allowlist = { items: [{ cve_id: 'CVE-2026-1' }, { cve_id: 'GHSA-x' }], expires_at: 1_900_000_000 }
    const metadata = { reuse_sys_cve_allowlist: 'false' }
    const id = await make('cves', ann, { cve_allowlist, metadata })
    expect(peers.put.at(-1)).toMatchObject({ policy: { cveAllowlist: [], cveAllowlistUntil: null } })
    const shown = (await core.get('/projects/cves', { as: ann })).body
    expect(shown).toMatchObject({ cve_allowlist: { project_id: id, ...cve_allowlist } })
    expect((await core.put('/projects/cves', { as: ann, body: { metadata: { prevent_vul: 'true' } } })).status).toBe(
      200,
    )
    expect(peers.put.at(-1)).toMatchObject({
      policy: { cveAllowlist: ['CVE-2026-1', 'GHSA-x'], cveAllowlistUntil: '2030-03-17T17:46:40.000Z' },
    })
    const emptied = { cve_allowlist: { items: [] } }
    expect((await core.put('/projects/cves', { as: ann, body: emptied })).status).toBe(200)
    expect(peers.put.at(-1)).toMatchObject({ policy: { cveAllowlist: [], cveAllowlistUntil: null } })
    const odd = { cve_allowlist: { items: [{ cve_id: 'a b' }] } }
    expect((await core.put('/projects/cves', { as: ann, body: odd })).status).toBe(400)
    expect((await core.put('/projects/cves', { as: bob, body: emptied })).status).toBe(403)
  })

  it('shows the first hundred items of an allowlist in lists, and all by itself', async () => {
    const items = Array.from({ length: 150 }, (_, n) => ({ cve_id: `CVE-2026-${n}` }))
    await make('long-list', ann, { cve_allowlist: { items } })
    const list = (await core.get('/projects?q=name=long-list', { as: ann })).body
    expect(list).toMatchObject([{ cve_allowlist: { items: items.slice(0, 100) } }])
    expect((list as { cve_allowlist: { items: unknown[] } }[])[0]?.cve_allowlist.items).toHaveLength(100)
    expect((await core.get('/projects/long-list', { as: ann })).body).toMatchObject({ cve_allowlist: { items } })
  })

  it.each(['', 'Upper', 'a b', '-a', 'a..b', 'a/b', 'ä'])('refuses the name "%s"', async (project_name) => {
    expect((await core.post('/projects', { as: ann, body: { project_name } })).status).toBe(400)
  })

  it('refuses a name that is taken, and one that is too long', async () => {
    expect((await core.post('/projects', { as: bob, body: { project_name: 'library' } })).status).toBe(409)
    const long = { project_name: 'a'.repeat(256) }
    expect((await core.post('/projects', { as: bob, body: long })).status).toBe(422)
  })

  it('heeds the storage limit of an administrator alone', async () => {
    await make('limited', admin, { storage_limit: 5_000 })
    await make('unlimited', ann, { storage_limit: 5_000 })
    expect(surroundings.peers.put.map(({ quotaLimitBytes }) => quotaLimitBytes)).toEqual([5_000, -1])
    for (const storage_limit of [-2, 0, 1024 ** 5 + 1]) {
      const refused = await core.post('/projects', { as: admin, body: { project_name: 'odd', storage_limit } })
      expect(refused.status).toBe(400)
    }
    const { body } = await core.get('/projects/limited/summary', { as: admin })
    expect(body).toMatchObject({ quota: { hard: { storage: 5_000 }, used: { storage: 0 } } })
  })

  it('needs somebody who has signed in', async () => {
    expect((await core.post('/projects', { body: { project_name: 'nobodys' } })).status).toBe(401)
  })
})

describe('seeing projects', () => {
  it('hides one that is not the caller’s as if it did not exist', async () => {
    await make('hidden')
    for (const name of ['hidden', 'no-such-project', '99999', '99999999999999']) {
      const anonymous = await core.get(`/projects/${name}`)
      expect([anonymous.status, anonymous.body]).toEqual([
        401,
        { errors: [{ code: 'UNAUTHORIZED', message: 'unauthorized' }] },
      ])
      const stranger = await core.get(`/projects/${name}`, { as: bob })
      expect([stranger.status, stranger.body]).toEqual([403, { errors: [{ code: 'FORBIDDEN', message: 'forbidden' }] }])
    }
    expect((await core.get('/projects/no-such-project', { as: admin })).status).toBe(404)
    expect((await core.get('/projects/hidden', { as: admin })).status).toBe(200)
  })

  it('lists public ones to anybody, own ones to members, all to administrators', async () => {
    const names = async (as?: string) => {
      const { body } = await core.get('/projects?page_size=100&with_detail=false', { as })
      return (body as { name: string }[]).map(({ name }) => name)
    }
    expect(await names()).toEqual(['library', 'open-1', 'open-2'])
    expect(await names(bob)).toEqual(['library', 'open-1', 'open-2'])
    expect(await names(ann)).toContain('hidden')
    expect(await names(admin)).toContain('hidden')
  })

  it('takes a number for an id unless told that it is a name', async () => {
    const id = await make('12345')
    expect((await core.get('/projects/12345', { as: ann })).status).toBe(403)
    const forced = await core.get('/projects/12345', { as: ann, headers: { 'X-Is-Resource-Name': 'true' } })
    expect(forced.body).toMatchObject({ project_id: id, name: '12345' })
    expect((await core.get(`/projects/${id}`, { as: ann })).body).toMatchObject({ name: '12345' })
  })

  it('pages, counts and links', async () => {
    const { headers, body } = await core.get('/projects?page=2&page_size=1&q=name%3D~open&sort=-name')
    expect((body as unknown[]).length).toBe(1)
    expect(headers.get('x-total-count')).toBe('2')
    expect(headers.get('link')).toBe('</api/v2.0/projects?page=1&page_size=1&q=name=~open&sort=-name>; rel="prev"')
    expect((await core.get('/projects?page_size=101')).status).toBe(422)
    expect((await core.get('/projects?page=x')).status).toBe(422)
    expect((await core.get('/projects?q=name')).status).toBe(400)
  })

  it('takes filters as clients write them, escaped or not', async () => {
    const names = async (query: string) =>
      ((await core.get(`/projects?${query}`)).body as { name: string }[]).map(({ name }) => name)
    for (const q of ['name=~open,public=true', 'name%3D~open%2Cpublic%3Dtrue', 'name%253D~open%252Cpublic%253Dtrue']) {
      expect(await names(`q=${q}&sort=-name`)).toEqual(['open-2', 'open-1'])
    }
    expect(await names('q=project_id={1 2}&sort=project_id')).toEqual(['library'])
    expect(await names('q=project_id=[1~1]')).toEqual(['library'])
  })

  it('filters by name, owner and visibility', async () => {
    const total = async (query: string, as?: string) =>
      (await core.get(`/projects?${query}`, { as })).headers.get('x-total-count')
    expect(await total('name=PEN-')).toBe('2')
    expect(await total('name=_')).toBe('0')
    expect(await total('owner=admin&public=true', admin)).toBe('1')
    expect(await total('public=false')).toBe('0')
  })

  it('counts repositories with one call for a page', async () => {
    const { peers } = surroundings
    peers.repositories.set(1, 7)
    const { body } = await core.get('/projects?page_size=100', { as: admin })
    expect(peers.counts).toBe(1)
    expect(body).toEqual(expect.arrayContaining([expect.objectContaining({ name: 'library', repo_count: 7 })]))
    peers.repositories.clear()
  })

  it('tells by HEAD whether a name is taken, to those who have signed in', async () => {
    const status = async (name: string, as?: string) =>
      (await core.head(`/projects?project_name=${name}`, { as })).status
    expect(await status('library', bob)).toBe(200)
    expect(await status('nothing', bob)).toBe(404)
    expect(await status('library')).toBe(401)
    expect((await core.head('/projects', { as: bob })).status).toBe(422)
  })

  it('sums up members and quota for those who may know', async () => {
    const { body } = await core.get('/projects/open-1/summary', { as: ann })
    expect(body).toEqual({
      repo_count: 0,
      project_admin_count: 1,
      maintainer_count: 0,
      developer_count: 0,
      guest_count: 0,
      limited_guest_count: 0,
      quota: { hard: { storage: -1 }, used: { storage: 0 } },
    })
    expect((await core.get('/projects/open-1/summary', { as: bob })).body).toEqual({ repo_count: 0 })
  })
})

describe('changing a project', () => {
  it('raises its revision, and the access revision when its visibility changes', async () => {
    await make('changing')
    const change = (body: object) => core.put('/projects/changing', { as: ann, body })
    expect((await change({ metadata: { auto_scan: 'false' } })).status).toBe(200)
    expect((await change({ metadata: { public: 'true' } })).status).toBe(200)
    expect(surroundings.peers.put.map(({ revision, accessRevision }) => [revision, accessRevision])).toEqual([
      [1, 1],
      [2, 1],
      [3, 2],
    ])
    expect((await core.get('/projects/changing')).body).toMatchObject({
      metadata: { public: 'true', auto_scan: 'false' },
    })
  })

  it('is for its administrators', async () => {
    expect((await core.put('/projects/changing', { as: bob, body: { public: false } })).status).toBe(403)
    expect((await core.put('/projects/changing', { body: { public: false } })).status).toBe(401)
  })

  it('says "saved, not yet in force" when the registry cannot be reached, and tells it later', async () => {
    const { peers, connect } = surroundings
    await make('later')
    const watcher = await connect('everything')
    const events: string[] = []
    watcher.connection.subscribe('event.project.>', { callback: (_err, message) => void events.push(message.string()) })
    await watcher.connection.flush()
    await peers.silence('registry')
    try {
      const answer = await core.put('/projects/later', { as: ann, body: { public: true } })
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5'])
      expect(answer.text).toContain('saved, not yet in force')
      // That it was made may be told only now.
      const updated = () => events.find((text) => text.includes('event.project.updated'))
      await expect.poll(updated).toBeDefined()
      const event = JSON.parse(updated() ?? '{}')
      expect(event).toMatchObject({ revision: 2, actor: 'ann' })
      expect(event.data.project).toMatchObject({ name: 'later', public: true, accessRevision: 2 })
      expect(event.requestId).toBe(answer.headers.get('x-request-id'))
    } finally {
      await peers.wake('registry')
      await watcher.close()
    }
  })
})

describe('deleting a project', () => {
  it('closes it at the registry, deletes it and tells', async () => {
    const id = await make('doomed')
    expect((await core.get('/projects/doomed/_deletable', { as: ann })).body).toEqual({ deletable: true, message: '' })
    expect((await core.delete('/projects/doomed', { as: ann })).status).toBe(200)
    expect(surroundings.peers.closed).toEqual([{ id, requireEmpty: true, revision: 2 }])
    expect(surroundings.peers.put.at(-1)).toMatchObject({ id, state: 'deleted', revision: 3 })
    expect((await core.get('/projects/doomed', { as: admin })).status).toBe(404)
    expect(await make('doomed')).toBeGreaterThan(id)
  })

  it('is refused while it holds repositories, and leaves it open', async () => {
    const id = await make('full')
    surroundings.peers.repositories.set(id, 1)
    expect((await core.get('/projects/full/_deletable', { as: ann })).body).toMatchObject({ deletable: false })
    const refused = await core.delete('/projects/full', { as: ann })
    expect([refused.status, refused.text]).toEqual([412, expect.stringContaining('contains repositories')])
    expect(surroundings.peers.put.at(-1)).toMatchObject({ id, state: 'open', revision: 3, accessRevision: 3 })
    expect((await core.put('/projects/full', { as: ann, body: { public: true } })).status).toBe(200)
  })

  it('is for its administrators', async () => {
    await make('mine')
    expect((await core.delete('/projects/mine', { as: bob })).status).toBe(403)
    expect((await core.delete('/projects/mine')).status).toBe(401)
    expect((await core.delete('/projects/no-such', { as: admin })).status).toBe(404)
  })

  it('is 503 while the registry cannot be reached, and can be asked for again', async () => {
    await make('waiting')
    await surroundings.peers.silence('registry')
    const unreachable = await core.delete('/projects/waiting', { as: ann })
    expect(unreachable.status).toBe(503)
    expect((await core.put('/projects/waiting', { as: ann, body: { public: true } })).status).toBe(412)
    await surroundings.peers.wake('registry')
    expect((await core.delete('/projects/waiting', { as: ann })).status).toBe(200)
  })
})
