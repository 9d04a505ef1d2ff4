import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMIN, as, type ContentWorld, openContentWorld } from '../testing/content-world.ts'

let world: ContentWorld

beforeAll(async () => {
  world = await openContentWorld()
  for (const name of ['closed/app', 'closed/team/web', 'open/tool', 'library/nginx']) {
    world.content.push({ repository: name, tags: ['1'] })
  }
})
afterAll(() => world?.stop(), 30_000)

const names = (body: unknown) => (body as { name: string }[]).map(({ name }) => name)
const TEAM_WEB = '/projects/closed/repositories/team%252Fweb'

describe('repositories of a project', () => {
  it('are listed for whoever has a role there, filtered, sorted, paged and counted', async () => {
    const list = (query = '', who = as('limited')) =>
      world.core.get(`/projects/closed/repositories${query}`, { as: who })
    expect(names((await list()).body)).toEqual(['closed/team/web', 'closed/app'])
    expect(names((await list('?q=name%3D~TEAM')).body)).toEqual(['closed/team/web'])
    const page = await list('?sort=name&page_size=1&page=2')
    expect(names(page.body)).toEqual(['closed/team/web'])
    expect(page.headers.get('x-total-count')).toBe('2')
    expect(page.headers.get('link')).toBe(
      '</api/v2.0/projects/closed/repositories?page=1&page_size=1&sort=name>; rel="prev"',
    )
    expect((await list('?q=name')).status).toBe(400)
    expect((await list('?page_size=101')).status).toBe(422)
    expect((await list(`?q=name%3D${'x'.repeat(5_000)}`)).status).toBe(400)
    expect((await list(`?sort=${'x'.repeat(600)}`)).status).toBe(400)
  })

  it('are nobody else’s to see, whether the project is there or not', async () => {
    for (const project of ['closed', 'no-such']) {
      expect((await world.core.get(`/projects/${project}/repositories`)).status).toBe(401)
      expect((await world.core.get(`/projects/${project}/repositories`, { as: as('stranger') })).status).toBe(403)
    }
    expect((await world.core.get('/projects/no-such/repositories', { as: ADMIN })).status).toBe(404)
    expect(names((await world.core.get('/projects/open/repositories')).body)).toEqual(['open/tool'])
  })

  it('are in the project the path names, by its name and never by its id', async () => {
    expect((await world.core.get(`/projects/${world.projects.closed}/repositories`, { as: ADMIN })).status).toBe(404)
  })
})

describe('all repositories', () => {
  const list = async (who?: string, query = '?sort=name') =>
    names((await world.core.get(`/repositories${query}`, { as: who })).body)

  it('are those of public projects and of the caller’s own', async () => {
    expect(await list()).toEqual(['library/nginx', 'open/tool'])
    expect(await list(as('stranger'))).toEqual(['library/nginx', 'open/tool'])
    expect(await list(as('limited'))).toEqual(['closed/app', 'closed/team/web', 'library/nginx', 'open/tool'])
    expect(await list(ADMIN)).toEqual(['closed/app', 'closed/team/web', 'library/nginx', 'open/tool'])
    expect(await list(as('limited'), '?q=name%3D~app')).toEqual(['closed/app'])
  })

  it('are for a robot those of the projects it may list', async () => {
    const robot = async (level: string, namespace: string, action: string) => {
      const permissions = [{ kind: 'project', namespace, access: [{ resource: 'repository', action }] }]
      const body = { name: `${level}-${action}`, level, duration: -1, permissions }
      const { name, secret } = (await world.core.post('/robots', { as: ADMIN, body })).body as Record<string, string>
      return `${name}:${secret}`
    }
    expect(await list(await robot('project', 'closed', 'list'))).toHaveLength(4)
    expect(await list(await robot('project', 'closed', 'pull'))).toEqual(['library/nginx', 'open/tool'])
    expect(await list(await robot('system', '*', 'list'))).toHaveLength(4)
  })

  it('cost one ask, however many there are on a page', async () => {
    world.takeAsked()
    await list(as('limited'), '?page_size=100')
    expect(world.takeAsked()).toEqual(['repository.search'])
  })
})

describe('a repository', () => {
  it('is shown by a name encoded twice, or once', async () => {
    for (const path of [TEAM_WEB, '/projects/closed/repositories/team%2Fweb']) {
      expect((await world.core.get(path, { as: as('limited') })).body).toMatchObject({
        name: 'closed/team/web',
        project_id: world.projects.closed,
        artifact_count: 1,
        pull_count: 0,
      })
    }
    for (const path of ['no-such', 'TEAM', '%252e%252e%252flibrary%252fnginx', '%25zz', 'a%252F%252Fb']) {
      const missing = await world.core.get(`/projects/closed/repositories/${path}`, { as: as('guest') })
      expect([missing.status, missing.body]).toMatchObject([404, { errors: [{ code: 'NOT_FOUND' }] }])
    }
  })

  it('is read by members, and of a public project by nobody else', async () => {
    expect((await world.core.get('/projects/open/repositories/tool')).status).toBe(401)
    expect((await world.core.get('/projects/open/repositories/tool', { as: as('stranger') })).status).toBe(403)
  })

  it('has a description which developers change, and nothing else with it', async () => {
    const put = (who: string, body: object) => world.core.put(TEAM_WEB, { as: who, body })
    expect((await put(as('developer'), { description: '<b>ours</b>', name: 'x', pull_count: 9 })).status).toBe(200)
    const changed = (await world.core.get(TEAM_WEB, { as: as('guest') })).body
    expect(changed).toMatchObject({ description: '<b>ours</b>', name: 'closed/team/web', pull_count: 0 })
    expect((await put(as('guest'), { description: 'mine' })).status).toBe(403)
    expect((await put(as('developer'), { description: 'x'.repeat(65_537) })).status).toBe(422)
    expect((await put(as('developer'), { description: 5 })).status).toBe(400)
    expect((await put(as('developer'), {})).status).toBe(200)
    expect((await world.core.get(TEAM_WEB, { as: as('guest') })).body).not.toHaveProperty('description')
  })

  it('is deleted by maintainers with all it holds, turn by turn', async () => {
    for (let n = 0; n < 5; n++) world.content.push({ repository: 'closed/doomed', tags: [`${n}`] })
    const doomed = '/projects/closed/repositories/doomed'
    expect((await world.core.delete(doomed, { as: as('developer') })).status).toBe(403)
    world.content.setTurns(3)
    world.takeAsked()
    try {
      expect((await world.core.delete(doomed, { as: as('maintainer') })).status).toBe(200)
    } finally {
      world.content.setTurns(0)
    }
    expect(world.takeAsked()).toEqual(Array(4).fill('repository.delete'))
    expect((await world.core.get(doomed, { as: ADMIN })).status).toBe(404)
    expect((await world.core.delete(doomed, { as: ADMIN })).status).toBe(404)
  })

  it('stays while one of its tags is immutable', async () => {
    world.content.push({ repository: 'closed/kept', tags: ['v1'], immutable: ['v1'] })
    const refused = await world.core.delete('/projects/closed/repositories/kept', { as: as('owner') })
    expect([refused.status, refused.text]).toEqual([412, expect.stringContaining('immutable')])
  })

  it('is changed and deleted on record', async () => {
    world.content.push({ repository: 'closed/audited' })
    const path = '/projects/closed/repositories/audited'
    await world.core.put(path, { as: as('developer'), body: { description: 'x' } })
    await world.core.delete(path, { as: as('maintainer') })
    const { body } = await world.core.get('/projects/closed/logs?sort=op_time&q=resource%3Dclosed/audited', {
      as: as('owner'),
    })
    expect(body).toMatchObject([
      { username: 'developer', operation: 'update', resource_type: 'repository' },
      { username: 'maintainer', operation: 'delete', resource_type: 'repository' },
    ])
  })

  it('is 503 while the registry cannot be reached', async () => {
    await world.surroundings.peers.silence('registry')
    try {
      expect((await world.core.get('/projects/closed/repositories', { as: as('guest') })).status).toBe(503)
      expect((await world.core.get('/projects/closed/repositories', { as: as('stranger') })).status).toBe(403)
    } finally {
      await world.surroundings.peers.wake('registry')
    }
  })
})
