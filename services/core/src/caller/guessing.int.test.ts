import { accessGrant } from '@berth/types'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMIN_PASSWORD, openSurroundings, type RunningCore, type Surroundings } from '../testing/harness.ts'
import { person } from '../testing/person.ts'

let surroundings: Surroundings
let core: RunningCore
const admin = `admin:${ADMIN_PASSWORD}`

beforeAll(async () => {
  surroundings = await openSurroundings()
  core = await surroundings.startCore({
    BERTH_CORE_FAILED_LOGINS_PER_ACCOUNT: '3',
    BERTH_CORE_FAILED_LOGINS_PER_ADDRESS: '8',
  })
  for (const username of ['ann', 'bob']) {
    const body = person(username)
    await core.post('/users', { as: admin, body, headers: from('192.0.2.1') })
  }
}, 60_000)
afterAll(async () => {
  expect(core?.errors.map(({ fields }) => fields?.err)).toEqual([])
  await core?.stop()
  await surroundings?.stop()
}, 30_000)

/** As the gateway tells where a request came from. */
const from = (address: string) => ({ 'x-forwarded-for': address })
const current = (as: string, address: string) => core.get('/users/current', { as, headers: from(address) })

describe('guessing a password', () => {
  it('is refused after some, in the same words for names nobody has, and tells when to come back', async () => {
    for (const name of ['ann', 'nobody']) {
      for (const guess of ['a', 'b', 'c']) expect((await current(`${name}:${guess}`, '198.51.100.1')).status).toBe(401)
    }
    const known = await current('ann:Password1', '198.51.100.1')
    const unknown = await current('nobody:Password1', '198.51.100.1')
    expect(known.status).toBe(429)
    expect(Number(known.headers.get('retry-after'))).toBeGreaterThan(200)
    expect([unknown.status, unknown.text]).toEqual([known.status, known.text])
    expect(known.body).toMatchObject({ errors: [{ code: 'TOO_MANY_REQUEST' }] })
  })

  it('is refused in the form and for registry tokens alike', async () => {
    const opened = await core.get('/systeminfo')
    const cookie = (opened.headers.getSetCookie()[0] ?? '').split(';')[0] ?? ''
    const token = opened.headers.get('x-harbor-csrf-token') ?? ''
    const body = new URLSearchParams({ principal: 'ann', password: 'Password1' })
    const headers = { cookie, 'X-Harbor-CSRF-Token': token, ...from('198.51.100.2') }
    expect((await core.post('/c/login', { body, headers })).status).toBe(429)
    const asker = await surroundings.connect('token')
    const credentials = { kind: 'basic' as const, username: 'ann', password: 'Password1' }
    const refusal = asker.ask(accessGrant, { credentials, scopes: [], address: '198.51.100.3' })
    await expect(refusal).rejects.toMatchObject({ code: 'TOO_MANY_REQUEST', retryAfterSeconds: expect.any(Number) })
    await asker.close()
  })

  it('does not keep out who signed in from their own address before', async () => {
    expect((await current('bob:Password1', '203.0.113.7')).status).toBe(200)
    for (const guess of ['a', 'b', 'c']) await current(`bob:${guess}`, '198.51.100.4')
    expect((await current('bob:Password2', '198.51.100.4')).status).toBe(429)
    expect((await current('bob:Password2', '203.0.113.7')).status).toBe(401)
    expect((await current('bob:Password1', '203.0.113.7')).status).toBe(200)
  })

  it('is refused to an address that tries many names, and robots with their secrets are not', async () => {
    const permissions = [
      { kind: 'project', namespace: 'library', access: [{ resource: 'repository', action: 'pull' }] },
    ]
    const made = await core.post('/robots', {
      as: admin,
      body: { name: 'ci', level: 'project', duration: 1, permissions },
      headers: from('192.0.2.1'),
    })
    const { name, secret } = made.body as { name: string; secret: string }
    const address = '198.51.100.5'
    for (let at = 0; at < 8; at++) expect((await current(`user${at}:guess`, address)).status).toBe(401)
    expect((await current('user9:guess', address)).status).toBe(429)
    const robot = await core.get('/projects/library/repositories', { as: `${name}:${secret}`, headers: from(address) })
    expect(robot.status).not.toBe(429)
    expect((await current('robot$library+ci:wrong', address)).status).toBe(401)
  })

  it('costs an address no less than registering one after the other, which hashes as much', async () => {
    await core.set({ self_registration: true })
    const address = '198.51.100.6'
    const opened = await core.get('/systeminfo')
    const cookie = (opened.headers.getSetCookie()[0] ?? '').split(';')[0] ?? ''
    const headers = { cookie, 'X-Harbor-CSRF-Token': opened.headers.get('x-harbor-csrf-token') ?? '', ...from(address) }
    const statuses: number[] = []
    for (let at = 0; at < 9; at++) {
      const body = { username: `new${at}`, email: `new${at}@x.org`, realname: 'new', password: 'Password1' }
      statuses.push((await core.post('/users', { body, headers })).status)
    }
    expect(statuses).toEqual([...Array.from({ length: 8 }, () => 201), 429])
    expect((await current('bob:Other-1', address)).status).toBe(429)
    await core.set({ self_registration: false })
  })

  it('of one’s own old password is guessing too', async () => {
    const address = '203.0.113.8'
    const [{ user_id: id }] = (await core.get('/users/search?username=bob', { as: admin, headers: from('192.0.2.1') }))
      .body as [{ user_id: number }]
    const change = (old_password: string) =>
      core.put(`/users/${id}/password`, {
        as: 'bob:Password1',
        body: { old_password, new_password: 'Password2' },
        headers: from('203.0.113.7'),
      })
    expect((await current('bob:Password1', address)).status).toBe(200)
    const statuses: number[] = []
    for (const guess of ['x1', 'x2', 'x3', 'x4']) statuses.push((await change(guess)).status)
    expect(statuses.at(-1)).toBe(429)
    expect(statuses.filter((status) => status === 403).length).toBeGreaterThan(0)
  })
})
