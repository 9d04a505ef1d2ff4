import { someImage } from '@berth/testkit'
import { projectPut } from '@berth/types'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { codeOf, RegistryClient } from '../testing/registry-client.ts'
import { accessTo } from '../testing/test-tokens.ts'
import { openWorld, type Replica, testProject, type World } from '../testing/test-world.ts'
import { listNames } from './catalog-store.ts'

const PUSHED = ['library/B', 'library/a', 'library/a-b', 'library/a/b', 'library/a_b', 'other/x'].map((name) =>
  name.toLowerCase(),
)

describe('the catalog', () => {
  let world: World
  let replica: Replica
  const everything = () => `Bearer ${world.token({ access: [{ type: 'registry', name: 'catalog', actions: ['*'] }] })}`
  const get = (query = '', authorization: string | undefined = everything()) =>
    fetch(`${replica.url}/v2/_catalog${query}`, { headers: authorization ? { authorization } : {} })
  const names = async (query = '') => ((await (await get(query)).json()) as { repositories: string[] }).repositories

  beforeAll(async () => {
    world = await openWorld()
    replica = await world.startReplica()
    await world.bus.ask(projectPut, { project: testProject() })
    await world.bus.ask(projectPut, { project: testProject({ id: 2, name: 'other', public: false }) })
    for (const name of PUSHED) {
      const project = name.startsWith('other/') ? 2 : 1
      const client = new RegistryClient(replica.url, name, `Bearer ${world.tokenFor(name, undefined, { project })}`)
      expect((await client.pushImage(someImage([1]), 't')).status).toBe(201)
    }
    // Blobs alone make no repository.
    const client = new RegistryClient(replica.url, 'library/blobs', `Bearer ${world.tokenFor('library/blobs')}`)
    await client.postBlob(Buffer.from('x'))
  })
  afterAll(() => world?.stop())

  it('names every repository of every project, in byte order', async () => {
    const answered = await get()
    expect(answered.status).toBe(200)
    expect(answered.headers.get('link')).toBeNull()
    expect(await answered.json()).toEqual({ repositories: PUSHED.toSorted() })
  })

  it('comes in pages that link to the next', async () => {
    const seen: string[] = []
    let url: string | undefined = `${replica.url}/v2/_catalog?n=4`
    for (let pages = 0; url !== undefined; pages++) {
      const answered: Response = await fetch(url, { headers: { authorization: everything() } })
      seen.push(...((await answered.json()) as { repositories: string[] }).repositories)
      url = /^<(.+)>; rel="next"$/.exec(answered.headers.get('link') ?? '')?.[1]
      expect(pages).toBeLessThan(3)
    }
    expect(seen).toEqual(PUSHED.toSorted())
    expect(await names('?last=library/a0')).toEqual(PUSHED.toSorted().filter((name) => name > 'library/a0'))
    expect(await names('?last=zzz')).toEqual([])
    const none = await get('?n=0')
    expect([await none.json(), none.headers.get('link')]).toEqual([{ repositories: [] }, null])
  })

  it.each(['?n=-1', '?n=x', '?n=1001', '?n=99999999999999999999', '?n=', '?n=1.5'])(
    'is not given for %s',
    async (query) => {
      const answered = await get(query)
      expect([answered.status, await codeOf(answered)]).toEqual([400, 'PAGINATION_NUMBER_INVALID'])
    },
  )

  it('is for who may see everything, by token and by password', async () => {
    world.core.passwords.set('admin', 'Harbor12345')
    const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`
    expect((await get('', basic('admin:Harbor12345'))).status).toBe(200)
    expect((await get('', `Bearer ${world.token({ admin: true })}`)).status).toBe(200)
    const pull = `Bearer ${world.token({ access: [accessTo('library/a', ['pull'])] })}`
    const nobody = `Bearer ${world.token({ who: null })}`
    for (const authorization of ['', pull, nobody, basic('alice:secret'), basic('admin:wrong')]) {
      const answered = await get('', authorization)
      expect([answered.status, answered.headers.get('www-authenticate')]).toEqual([401, 'Basic realm="harbor"'])
      expect(await codeOf(answered)).toBe('UNAUTHORIZED')
    }
    const said = (await (await get('', pull)).json()) as { errors: { message: string }[] }
    expect(said.errors[0]?.message).toMatch(/^unauthorized to list catalog/)
    expect((await fetch(`${replica.url}/v2/_catalog`, { method: 'HEAD' })).status).toBe(401)
  })

  it('names nothing of a project that is deleted, on every replica at once', async () => {
    const second = await world.startReplica()
    const project = testProject({ id: 3, name: 'gone' })
    await world.bus.ask(projectPut, { project })
    const token = `Bearer ${world.tokenFor('gone/app', undefined, { project: 3 })}`
    await new RegistryClient(second.url, 'gone/app', token).pushImage(someImage([1]), 't')
    expect(await names()).toContain('gone/app')
    await world.bus.ask(projectPut, { project: { ...project, state: 'deleted', revision: 2 } })
    expect(await names()).not.toContain('gone/app')
  })

  it('costs as much at its end as at its start', async () => {
    await world.sql(
      `INSERT INTO registry.repository (project_id, name, listed)
       SELECT 1, 'library/many-' || lpad(n::text, 6, '0'), true FROM generate_series(1, 20000) n`,
    )
    await world.sql('VACUUM ANALYZE registry.repository')
    const reads = async (last: string) => {
      const text = listNames.text.replaceAll(/\b(repository|project) (r|p)\b/g, 'registry.$1 $2')
      const rows = await world.sql<{ 'QUERY PLAN': string }>(`EXPLAIN (ANALYZE, BUFFERS) ${text}`, [last, 101])
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
      expect(plan).toMatch(/Index (Only )?Scan using repository_name_idx/)
      expect(plan).not.toMatch(/Sort|Seq Scan on repository/)
      return Number(/Scan using repository_name_idx.*actual.* rows=(\d+)/.exec(plan)?.[1])
    }
    expect(await reads('library/many-000001')).toBeLessThanOrEqual(101)
    expect(await reads('library/many-019000')).toBeLessThanOrEqual(101)
    expect((await names('?last=library/many-019998')).slice(0, 3)).toEqual([
      'library/many-019999',
      'library/many-020000',
      'other/x',
    ])
  })
})
