import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tempDir } from '@berth/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMIN_PASSWORD, openSurroundings, type RunningCore, type Surroundings } from '../testing/harness.ts'
import { person } from '../testing/person.ts'

let surroundings: Surroundings
let core: RunningCore
const admin = `admin:${ADMIN_PASSWORD}`
const ann = 'ann:Password1'
let annId: number

beforeAll(async () => {
  surroundings = await openSurroundings()
  core = await surroundings.startCore()
  annId = await make('ann')
})
afterAll(async () => {
  expect(core?.errors.map(({ fields }) => fields?.err)).toEqual([])
  await core?.stop()
  await surroundings?.stop()
}, 30_000)

async function make(username: string, more: object = {}): Promise<number> {
  const created = await core.post('/users', { as: admin, body: person(username, more) })
  expect(created.status, created.text).toBe(201)
  return Number(created.headers.get('location')?.replace('/api/v2.0/users/', ''))
}

describe('making a user', () => {
  it('begins with number three', () => {
    expect(annId).toBe(3)
  })

  it('is for administrators', async () => {
    expect((await core.post('/users', { as: ann, body: person('eve') })).status).toBe(403)
    expect((await core.post('/users', { body: person('eve') })).status).toBe(401)
  })

  it('never makes an administrator, whatever the body says (CVE-2019-16097)', async () => {
    const flags = { sysadmin_flag: true, has_admin_role: true, role_id: 1, sysadmin: true, user_id: 1 }
    expect((await core.post('/users', { as: ann, body: person('eve', flags) })).status).toBe(403)
    const id = await make('mallory', flags)
    expect((await core.get(`/users/${id}`, { as: admin })).body).toMatchObject({ user_id: id, sysadmin_flag: false })
    expect((await core.get('/users', { as: 'mallory:Password1' })).status).toBe(403)
  })

  it.each([
    { username: 'a$b' },
    { username: '' },
    { password: 'short1A' },
    { password: 'nouppercase1' },
    { email: 'nowhere' },
    { realname: '' },
    { comment: 'x'.repeat(31) },
  ])('refuses %o', async (bad) => {
    expect((await core.post('/users', { as: admin, body: person('valid', bad) })).status).toBe(400)
  })

  it('refuses names and addresses that are taken, and the reserved name', async () => {
    for (const body of [
      person('ann', { email: 'other@x.org' }),
      person('other', { email: 'ann@x.org' }),
      person('anonymous'),
    ]) {
      expect((await core.post('/users', { as: admin, body })).status).toBe(409)
    }
  })

  it('refuses a body that is no JSON, has wrong types, holds zero bytes or is too large', async () => {
    const send = (body: unknown) => core.post('/users', { as: admin, body })
    expect((await send('{')).status).toBe(400)
    expect((await send(person('x', { username: 5 }))).status).toBe(400)
    expect((await send(person('x', { realname: 'a\0b' }))).status).toBe(400)
    expect((await send(person('x', { username: 'x'.repeat(256) }))).status).toBe(422)
    expect((await send(person('x', { comment: 'x'.repeat(300_000) }))).status).toBe(413)
    const form = await core.post('/users', { as: admin, body: new URLSearchParams({ username: 'x' }) })
    expect(form.status).toBe(415)
  })
})

describe('seeing users', () => {
  it('shows people to themselves and to administrators, and hides whether there is anybody else', async () => {
    expect((await core.get(`/users/${annId}`, { as: ann })).body).toMatchObject({ username: 'ann', email: 'ann@x.org' })
    for (const id of [1, 9999, 99999999999]) {
      const stranger = await core.get(`/users/${id}`, { as: ann })
      expect(stranger.text === '' ? stranger.status : stranger.body).toEqual(
        id > 2 ** 31 ? expect.anything() : { errors: [{ code: 'FORBIDDEN', message: 'forbidden' }] },
      )
      expect((await core.get(`/users/${id}`)).status).toBe(id > 2 ** 31 ? 422 : 401)
    }
    expect((await core.get('/users/9999', { as: admin })).status).toBe(404)
    expect((await core.get('/users/abc', { as: admin })).status).toBe(422)
  })

  it('never shows what signs them in', async () => {
    for (const path of ['/users', `/users/${annId}`, '/users/current', '/users/search?username=ann']) {
      const { status, text } = await core.get(path, { as: admin })
      expect(status).toBe(200)
      expect(text).not.toMatch(/argon2|password|salt|hash/i)
    }
  })

  it('lists them to administrators, filtered and sorted', async () => {
    expect((await core.get('/users', { as: ann })).status).toBe(403)
    expect((await core.get('/users')).status).toBe(401)
    const { headers, body } = await core.get('/users?q=username%3D~an&sort=-username', { as: admin })
    expect(headers.get('x-total-count')).toBe('1')
    expect(body).toMatchObject([{ username: 'ann' }])
    const some = await core.get('/users?q=user_id%3D%7B1%203%7D&sort=-user_id', { as: admin })
    expect((some.body as { user_id: number }[]).map(({ user_id }) => user_id)).toEqual([3, 1])
  })

  it('tells nothing by filters on what it hides (CVE-2025-30086)', async () => {
    const total = async (q: string) =>
      (await core.get(`/users?q=${encodeURIComponent(q)}`, { as: admin })).headers.get('x-total-count')
    const all = await total('')
    for (const key of ['password', 'password_hash', 'salt', 'auth_revision', 'deleted_at', 'users.password_hash']) {
      expect(await total(`${key}=~$argon2id`)).toBe(all)
      expect(await total(`${key}=~zzz`)).toBe(all)
    }
    const sorted = await core.get('/users?sort=password_hash', { as: admin })
    const plain = await core.get('/users', { as: admin })
    expect(sorted.text).toBe(plain.text)
  })

  it('finds no more with SQL in filters, sorting and search', async () => {
    const evil = [`x' OR '1'='1`, `x'; DROP TABLE users; --`, '%', '_', '\\', `$1`]
    for (const text of evil) {
      const list = await core.get(`/users?q=${encodeURIComponent(`username=${text.replaceAll(',', '')}`)}`, {
        as: admin,
      })
      expect([list.status, list.headers.get('x-total-count')]).toEqual([200, '0'])
      const search = await core.get(`/users/search?username=${encodeURIComponent(text)}`, { as: ann })
      expect([search.status, search.body]).toEqual([200, []])
      expect((await core.get(`/users?sort=${encodeURIComponent(text)}`, { as: admin })).status).toBe(200)
    }
  })

  it('finds names, and only those, for whoever has signed in', async () => {
    const { body } = await core.get('/users/search?username=an', { as: ann })
    expect(body).toEqual([{ user_id: annId, username: 'ann' }])
    expect((await core.get('/users/search?username=an')).status).toBe(401)
    expect((await core.get('/users/search', { as: ann })).status).toBe(422)
  })

  it('tells people what they may do', async () => {
    const permissions = async (query: string, as: string) =>
      (await core.get(`/users/current/permissions${query}`, { as })).body
    expect(await permissions('', ann)).toEqual([])
    expect(await permissions('?scope=/system', ann)).toEqual([])
    expect(await permissions('?scope=/project/99999', ann)).toEqual([])
    const own = await permissions('?scope=/project/1&relative=true', ann)
    expect(own).toHaveLength(12)
    expect(own).toContainEqual({ resource: '.', action: 'read' })
    expect(own).toContainEqual({ resource: 'repository', action: 'pull' })
    expect(await permissions('?scope=/project/1', admin)).toHaveLength(75)
    expect(await permissions('?scope=/project/1', admin)).toContainEqual({ resource: '/project/1', action: 'delete' })
    expect(await permissions('?scope=/system&relative=true', admin)).toContainEqual({
      resource: 'catalog',
      action: 'read',
    })
    expect((await core.get('/users/current/permissions')).status).toBe(401)
  })
})

describe('changing a user', () => {
  it('lets people change their own profile and administrators that of others', async () => {
    const id = await make('carl')
    const body = { email: 'carl@y.org', realname: 'Carl', comment: 'hello', sysadmin_flag: true, username: 'root' }
    expect((await core.put(`/users/${id}`, { as: 'carl:Password1', body })).status).toBe(200)
    expect((await core.get(`/users/${id}`, { as: admin })).body).toMatchObject({
      username: 'carl',
      email: 'carl@y.org',
      sysadmin_flag: false,
    })
    expect((await core.put(`/users/${id}`, { as: ann, body })).status).toBe(403)
    expect((await core.put(`/users/${id}`, { as: admin, body: { ...body, email: 'ann@x.org' } })).status).toBe(409)
    expect((await core.put('/users/9999', { as: admin, body })).status).toBe(404)
  })

  it('changes a password with the old one, or as an administrator', async () => {
    const id = await make('dora')
    const change = (as: string | undefined, body: object) => core.put(`/users/${id}/password`, { as, body })
    const own = 'dora:Password1'
    expect((await change(own, { old_password: 'Wrong12345', new_password: 'Password2' })).status).toBe(403)
    expect((await change(own, { new_password: 'Password2' })).status).toBe(403)
    expect((await change(own, { old_password: 'Password1', new_password: 'Password1' })).status).toBe(400)
    expect((await change(own, { old_password: 'Password1', new_password: 'weak' })).status).toBe(400)
    expect((await change(ann, { new_password: 'Password2' })).status).toBe(403)
    expect((await change(undefined, { new_password: 'Password2' })).status).toBe(401)
    expect((await change(own, { old_password: 'Password1', new_password: 'Password2' })).status).toBe(200)
    expect((await core.get('/users/current', { as: own })).status).toBe(401)
    expect((await change(admin, { new_password: 'Password3' })).status).toBe(200)
    expect((await core.get('/users/current', { as: 'dora:Password3' })).status).toBe(200)
  })

  it('makes and unmakes administrators at once, and lets nobody but them', async () => {
    const id = await make('emil')
    const emil = 'emil:Password1'
    const flag = (as: string, sysadmin_flag: boolean, whom = id) =>
      core.put(`/users/${whom}/sysadmin`, { as, body: { sysadmin_flag } })
    expect((await core.get('/users', { as: emil })).status).toBe(403)
    expect((await flag(emil, true)).status).toBe(403)
    expect((await flag(ann, true)).status).toBe(403)
    expect((await flag(admin, true)).status).toBe(200)
    expect((await core.get('/users', { as: emil })).status).toBe(200)
    const { peers } = surroundings
    peers.put.length = 0
    expect((await flag(admin, false)).status).toBe(200)
    expect((await core.get('/users', { as: emil })).status).toBe(403)
    expect(peers.put.map(({ name }) => name)).toContain('library')
    expect((await flag(admin, false, 1)).status).toBe(403)
    expect((await flag(admin, true, 9999)).status).toBe(404)
  })

  it('deletes them with their memberships and what they could sign in with', async () => {
    const id = await make('fred')
    const fred = 'fred:Password1'
    const created = await core.post('/projects', { as: fred, body: { project_name: 'freds' } })
    expect(created.status).toBe(201)
    expect((await core.delete(`/users/${id}`, { as: ann })).status).toBe(403)
    expect((await core.delete('/users/1', { as: admin })).status).toBe(403)
    expect((await core.delete('/users/9999', { as: admin })).status).toBe(404)
    surroundings.peers.put.length = 0
    expect((await core.delete(`/users/${id}`, { as: admin })).status).toBe(200)
    expect(surroundings.peers.put).toMatchObject([{ name: 'freds', accessRevision: 2 }])
    expect((await core.get('/users/current', { as: fred })).status).toBe(401)
    expect((await core.get(`/users/${id}`, { as: admin })).status).toBe(404)
    expect((await core.get('/projects/freds/members', { as: admin })).body).toEqual([])
    expect(await make('fred')).toBeGreaterThan(id)
  })
})

describe('the first password of the admin', () => {
  it('is heard while none is stored, and its file goes with the first change', async () => {
    const dir = await tempDir('core')
    const file = join(dir.path, 'admin-password')
    writeFileSync(file, ADMIN_PASSWORD)
    const first = await surroundings.startCore({ BERTH_CORE_ADMIN_PASSWORD_FILE: file })
    await first.stop()
    const second = await surroundings.startCore({
      DATABASE_URL: first.databaseUrl,
      BERTH_ADMIN_PASSWORD: 'Another12345',
      BERTH_CORE_ADMIN_PASSWORD_FILE: file,
    })
    expect((await second.get('/users/current', { as: 'admin:Another12345' })).status).toBe(401)
    expect((await second.get('/users/current', { as: admin })).status).toBe(200)
    expect(existsSync(file)).toBe(true)
    const body = { old_password: ADMIN_PASSWORD, new_password: 'Changed12345' }
    expect((await second.put('/users/1/password', { as: admin, body })).status).toBe(200)
    expect(existsSync(file)).toBe(false)
    await second.stop()
    await dir.remove()
  })

  it('has no default: without one nobody signs in', async () => {
    const bare = await surroundings.startCore({ BERTH_ADMIN_PASSWORD: undefined })
    for (const password of ['Harbor12345', 'admin', 'password']) {
      expect((await bare.get('/users/current', { as: `admin:${password}` })).status).toBe(401)
    }
    await bare.stop()
  })

  it('must satisfy the password rule', async () => {
    await expect(surroundings.startCore({ BERTH_ADMIN_PASSWORD: 'weak' })).rejects.toThrow('BERTH_ADMIN_PASSWORD')
  })
})
