import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ADMIN_PASSWORD, openSurroundings, type RunningCore, type Surroundings } from '../testing/harness.ts'
import { person } from '../testing/person.ts'

let surroundings: Surroundings
let core: RunningCore
const admin = `admin:${ADMIN_PASSWORD}`
const [ann, bob, cat] = ['ann:Password1', 'bob:Password1', 'cat:Password1']

beforeAll(async () => {
  surroundings = await openSurroundings()
  core = await surroundings.startCore()
  for (const username of ['ann', 'bob', 'cat']) {
    const user = person(username)
    expect((await core.post('/users', { as: admin, body: user })).status).toBe(201)
  }
  for (const [project_name, as] of [
    ['team', ann],
    ['elsewhere', bob],
  ] as const) {
    expect((await core.post('/projects', { as, body: { project_name } })).status).toBe(201)
  }
  const member = { role_id: 4, member_user: { username: 'cat' } }
  expect((await core.post('/projects/team/members', { as: ann, body: member })).status).toBe(201)
})
afterAll(async () => {
  expect(core?.errors.map(({ fields }) => fields?.err)).toEqual([])
  await core?.stop()
  await surroundings?.stop()
}, 30_000)
beforeEach(() => {
  surroundings.peers.put.length = 0
})

const RULES = '/projects/team/immutabletagrules'
const ruleOf = (tags: string, more: object = {}) => ({
  action: 'immutable',
  template: 'immutable_template',
  tag_selectors: [{ kind: 'doublestar', decoration: 'matches', pattern: tags }],
  scope_selectors: { repository: [{ kind: 'doublestar', decoration: 'repoMatches', pattern: '**' }] },
  ...more,
})

async function add(tags: string, as = ann, path = RULES): Promise<number> {
  const created = await core.post(path, { as, body: ruleOf(tags) })
  expect(created.status, created.text).toBe(201)
  expect(created.headers.get('location')).toMatch(/^\/api\/v2\.0\/projects\/\w+\/immutabletagrules\/\d+$/)
  return Number(created.headers.get('location')?.split('/').at(-1))
}
const inForce = () =>
  surroundings.peers.put.at(-1)?.policy.immutabilityRules.map(({ tags }) => tags.map(({ pattern }) => pattern).join())

describe('a rule for immutable tags', () => {
  it('is in force before it is answered, also when it is changed and deleted', async () => {
    const id = await add('v*', cat)
    expect(inForce()).toEqual(['v*'])
    await add('release-*')
    expect(inForce()).toEqual(['v*', 'release-*'])
    const changed = await core.put(`${RULES}/${id}`, { as: cat, body: { id: 77, ...ruleOf('w*') } })
    expect(changed.status, changed.text).toBe(200)
    expect(inForce()).toEqual(['w*', 'release-*'])
    const off = { disabled: true, tag_selectors: null }
    expect((await core.put(`${RULES}/${id}`, { as: cat, body: off })).status).toBe(200)
    expect(inForce()).toEqual(['release-*'])
    expect((await core.get(RULES, { as: ann })).body).toMatchObject([
      { id, ...ruleOf('w*'), disabled: true },
      { ...ruleOf('release-*'), disabled: false },
    ])
    expect((await core.delete(`${RULES}/${id}`, { as: cat })).status).toBe(200)
    expect(inForce()).toEqual(['release-*'])
    expect((await core.get(RULES, { as: ann })).headers.get('x-total-count')).toBe('1')
  })

  it('raises the revision of its project, and no token goes stale', async () => {
    await add('steady')
    expect(surroundings.peers.put).toMatchObject([{ name: 'team', accessRevision: 2 }])
  })

  it('is there once', async () => {
    const id = await add('once')
    const again = await core.post(RULES, { as: ann, body: ruleOf('once') })
    expect([again.status, again.text]).toEqual([409, expect.stringContaining('has this rule already')])
    const second = await add('twice')
    expect((await core.put(`${RULES}/${second}`, { as: ann, body: ruleOf('once') })).status).toBe(409)
    expect((await core.put(`${RULES}/${id}`, { as: ann, body: ruleOf('once') })).status).toBe(200)
    await add('once', bob, '/projects/elsewhere/immutabletagrules')
  })

  it('of another project is not found, whatever the path says', async () => {
    const theirs = await add('theirs', bob, '/projects/elsewhere/immutabletagrules')
    expect((await core.put(`${RULES}/${theirs}`, { as: ann, body: ruleOf('taken') })).status).toBe(404)
    expect((await core.delete(`${RULES}/${theirs}`, { as: ann })).status).toBe(404)
    expect((await core.delete(`${RULES}/${theirs}`, { as: admin })).status).toBe(404)
    expect((await core.delete(`/projects/elsewhere/immutabletagrules/${theirs}`, { as: ann })).status).toBe(403)
    expect((await core.delete(`/projects/nowhere/immutabletagrules/${theirs}`, { as: ann })).status).toBe(403)
    const { body } = await core.get('/projects/elsewhere/immutabletagrules', { as: bob })
    expect(body).toEqual(expect.arrayContaining([expect.objectContaining({ id: theirs })]))
  })

  it('is for administrators and maintainers of its project', async () => {
    for (const [as, status] of [
      [bob, 403],
      [undefined, 401],
    ] as const) {
      expect((await core.get(RULES, { as })).status).toBe(status)
      expect((await core.post(RULES, { as, body: ruleOf('x') })).status).toBe(status)
    }
  })

  it('is refused where it says nothing, or something nobody understands', async () => {
    for (const body of [
      {},
      { ...ruleOf('x'), tag_selectors: [] },
      ruleOf('['),
      ruleOf('x', { action: 'retain' }),
      ruleOf('x', { scope_selectors: { repository: [{ decoration: 'sideways', pattern: '**' }] } }),
    ]) {
      expect((await core.post(RULES, { as: ann, body })).status).toBe(400)
    }
  })

  it('is one of at most a hundred', async () => {
    const path = '/projects/crowded/immutabletagrules'
    expect((await core.post('/projects', { as: ann, body: { project_name: 'crowded' } })).status).toBe(201)
    for (let n = 0; n < 100; n++) await add(`v${n}`, ann, path)
    const refused = await core.post(path, { as: ann, body: ruleOf('v100') })
    expect([refused.status, refused.text]).toEqual([400, expect.stringContaining('at most 100')])
    expect((await core.get(path, { as: ann })).headers.get('x-total-count')).toBe('100')
  })

  it('costs the registry only so much, with all others of its project', async () => {
    const path = '/projects/costly/immutabletagrules'
    expect((await core.post('/projects', { as: ann, body: { project_name: 'costly' } })).status).toBe(201)
    const id = await add(`1${'{*a,*b}'.repeat(7)}`, ann, path)
    await add(`2${'{*a,*b}'.repeat(7)}`, ann, path)
    await add(`3${'{*a,*b}'.repeat(7)}`, ann, path)
    await add(`4${'{*a,*b}'.repeat(7)}`, ann, path)
    const refused = await core.post(path, { as: ann, body: ruleOf(`5${'{*a,*b}'.repeat(7)}`) })
    expect([refused.status, refused.text]).toEqual([400, expect.stringContaining('at most 8192 characters')])
    const grown = await core.put(`${path}/${id}`, { as: ann, body: ruleOf(`1${'{*a,*b}'.repeat(8)}`) })
    expect(grown.status).toBe(400)
    expect((await core.get(path, { as: ann })).headers.get('x-total-count')).toBe('4')
  })

  it('holds although the registry hears of it late', async () => {
    const { peers } = surroundings
    await peers.silence('registry')
    const late = await core.post(RULES, { as: ann, body: ruleOf('late') })
    expect([late.status, late.text]).toEqual([503, expect.stringContaining('saved, not yet in force')])
    await peers.wake('registry')
    expect((await core.get(RULES, { as: ann })).text).toContain('late')
  })
})
