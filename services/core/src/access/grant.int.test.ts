import type { Bus } from '@berth/messaging'
import { accessGrant, type Credentials, projectResolve } from '@berth/types'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMIN_PASSWORD, openSurroundings, type RunningCore, type Surroundings } from '../testing/harness.ts'
import { person } from '../testing/person.ts'

let surroundings: Surroundings
let core: RunningCore
let token: Bus
let registry: Bus
const admin = `admin:${ADMIN_PASSWORD}`
const projects: Record<string, number> = { library: 1 }
const ROLES = { maintainer: 4, developer: 2, guest: 3, limited: 5 }

beforeAll(async () => {
  surroundings = await openSurroundings()
  core = await surroundings.startCore()
  token = await surroundings.connect('token')
  registry = await surroundings.connect('registry')
  const created = await core.post('/projects', { as: admin, body: { project_name: 'closed' } })
  projects.closed = Number(created.headers.get('location')?.split('/').at(-1))
  for (const [username, role_id] of [...Object.entries(ROLES), ['stranger', 0] as const]) {
    const body = person(username)
    await core.post('/users', { as: admin, body })
    if (role_id)
      await core.post('/projects/closed/members', { as: admin, body: { role_id, member_user: { username } } })
  }
}, 60_000)
afterAll(async () => {
  expect(core?.errors.map(({ fields }) => fields?.err)).toEqual([])
  await token?.close()
  await registry?.close()
  await core?.stop()
  await surroundings?.stop()
}, 30_000)

const basic = (username: string, password = 'Password1'): Credentials => ({ kind: 'basic', username, password })
const nobody: Credentials = { kind: 'anonymous' }

async function grant(credentials: Credentials, ...scopes: string[]) {
  const asked = scopes.map((scope) => {
    const [type = '', name = '', actions = ''] = scope.split(':')
    return { type, name, actions: actions.split(',') }
  })
  return token.ask(accessGrant, { credentials, scopes: asked })
}

async function actions(credentials: Credentials, scope: string): Promise<string[]> {
  const { access } = await grant(credentials, scope)
  return access[0]?.actions ?? []
}

describe('granting access', () => {
  it('says who it is and for how long', async () => {
    expect(await grant(basic('admin', ADMIN_PASSWORD))).toEqual({
      identity: { kind: 'user', name: 'admin', id: 1, admin: true },
      access: [],
      tokenSeconds: 1_800,
    })
    expect((await grant(nobody)).identity).toEqual({ kind: 'anonymous', name: '', id: 0, admin: false })
  })

  it('lets go of the catalogue within a minute: no revision of a project could take it back', async () => {
    const granted = await grant(basic('admin', ADMIN_PASSWORD), 'registry:catalog:*')
    expect(granted).toMatchObject({ access: [{ actions: ['*'] }], tokenSeconds: 60 })
    expect(await grant(basic('developer'), 'registry:catalog:*')).toMatchObject({
      access: [{ actions: [] }],
      tokenSeconds: 1_800,
    })
  })

  it('gives what is both asked and allowed, with the project and its revision', async () => {
    const { access } = await grant(
      basic('developer'),
      'repository:closed/app:pull,push,delete',
      'repository:library/x:push',
    )
    expect(access).toEqual([
      {
        type: 'repository',
        name: 'closed/app',
        actions: ['pull', 'push'],
        project: projects.closed,
        rev: expect.any(Number),
      },
      { type: 'repository', name: 'library/x', actions: [] },
    ])
  })

  it.each([
    ['maintainer', ['pull', 'push', 'delete']],
    ['developer', ['pull', 'push']],
    ['guest', ['pull']],
    ['limited', ['pull']],
    ['stranger', []],
  ])('lets a %s of a private project %s', async (name, allowed) => {
    expect(await actions(basic(name), 'repository:closed/app:pull,push,delete')).toEqual(allowed)
    expect(await actions(basic(name), 'repository:closed/app:*')).toEqual(allowed)
    expect(await actions(basic(name), 'repository:closed/app:pull')).toEqual(allowed.slice(0, 1))
  })

  it('lets anybody pull from a public project, and nobody more', async () => {
    for (const credentials of [nobody, basic('stranger')]) {
      expect(await actions(credentials, 'repository:library/nginx:pull,push,delete')).toEqual(['pull'])
    }
  })

  it('does not tell an unknown project from one that is not the caller’s', async () => {
    for (const credentials of [nobody, basic('stranger')]) {
      const { access } = await grant(credentials, 'repository:closed/app:pull', 'repository:no-such/app:pull')
      expect(access).toEqual([
        { type: 'repository', name: 'closed/app', actions: [] },
        { type: 'repository', name: 'no-such/app', actions: [] },
      ])
    }
  })

  it.each([
    'repository:closed:pull',
    'repository:closed/APP:pull',
    'repository:closed/../library/x:pull',
    'repository:*:pull',
    'repository:closed/*:pull',
    'repository(plugin):closed/app:pull',
    'repository:closed/app:admin,constructor,scanner-pull',
    'registry:other:*',
    'job:closed/app:pull',
  ])('gives an administrator nothing for %s', async (scope) => {
    expect(await actions(basic('admin', ADMIN_PASSWORD), scope)).toEqual([])
  })

  it('shows the catalog to administrators alone', async () => {
    expect(await actions(basic('admin', ADMIN_PASSWORD), 'registry:catalog:*')).toEqual(['*'])
    expect(await actions(basic('maintainer'), 'registry:catalog:*')).toEqual([])
    expect(await actions(nobody, 'registry:catalog:*')).toEqual([])
  })

  it('refuses wrong credentials without a word on what is wrong', async () => {
    const refusals = await Promise.all(
      [basic('admin', 'Wrong12345'), basic('nobody', 'Wrong12345'), basic('robot$nobody', 'x')].map((credentials) =>
        grant(credentials, 'repository:library/x:pull').catch((err: { code: string; message: string }) => err),
      ),
    )
    for (const refusal of refusals) {
      expect(refusal).toMatchObject({ code: 'UNAUTHORIZED', message: 'invalid user name or password' })
    }
  })

  it('takes a session that has ended for nobody', async () => {
    expect((await grant({ kind: 'session', sid: 'A'.repeat(43) })).identity.kind).toBe('anonymous')
    expect((await grant({ kind: 'session', sid: 'no such thing' })).identity.kind).toBe('anonymous')
  })

  it('carries a higher revision once somebody’s role has changed', async () => {
    const rev = async () => (await grant(basic('guest'), 'repository:closed/app:pull')).access[0]?.rev ?? 0
    const before = await rev()
    const { body } = await core.get('/projects/closed/members?entityname=limited', { as: admin })
    const [{ id }] = body as [{ id: number }]
    await core.put(`/projects/closed/members/${id}`, { as: admin, body: { role_id: 3 } })
    expect(await rev()).toBe(before + 1)
  })
})

describe('resolving a project', () => {
  it('answers what the registry must know, or that there is none', async () => {
    const { project } = await registry.ask(projectResolve, { name: 'library' })
    expect(project).toMatchObject({ id: 1, name: 'library', kind: 'local', state: 'open', public: true })
    for (const name of ['no-such', 'Library', '', 'library/x']) {
      expect(await registry.ask(projectResolve, { name })).toEqual({ project: null })
    }
  })
})
