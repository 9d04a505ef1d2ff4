import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { type Bus, tellEvent } from '@berth/messaging'
import { type AuditLine, artifactPulled, artifactPushed, auditRecorded, EventEnvelope, tagDeleted } from '@berth/types'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMIN_PASSWORD, openSurroundings, type RunningCore, type Surroundings } from '../testing/harness.ts'

let surroundings: Surroundings
let core: RunningCore
let registry: Bus
let database: pg.Client
const forwarded: AuditLine[] = []
const admin = `admin:${ADMIN_PASSWORD}`
const eventually = { timeout: 20_000, interval: 50 }

interface Entry {
  id: number
  username: string
  resource: string
  resource_type: string
  operation: string
  operation_description: string
  operation_result: boolean
  op_time: string
  client_address?: string
  request_id?: string
}

beforeAll(async () => {
  surroundings = await openSurroundings()
  core = await surroundings.startCore()
  registry = await surroundings.connect('registry')
  database = new pg.Client({ connectionString: core.databaseUrl, options: '-c search_path=core' })
  await database.connect()
  const everything = await surroundings.connect('everything')
  everything.connection.subscribe(auditRecorded.subject, {
    callback: (_err, message) => {
      const { data } = EventEnvelope.parse(JSON.parse(new TextDecoder().decode(message.data)))
      forwarded.push(auditRecorded.data.parse(data).line)
    },
  })
  for (const name of ['alice', 'bob', 'carol']) await newUser(name)
})
afterAll(async () => {
  expect(core?.errors.map(({ fields }) => fields?.err)).toEqual([])
  await database?.end()
  await core?.stop()
  await surroundings?.stop()
}, 30_000)

const passwordOf = (name: string) => `Canary-${name}-1`
const as = (name: string) => `${name}:${passwordOf(name)}`

async function newUser(name: string): Promise<void> {
  const body = { username: name, email: `${name}@example.com`, realname: name, password: passwordOf(name), comment: '' }
  expect((await core.post('/users', { as: admin, body })).status).toBe(201)
}

async function newProject(name: string): Promise<number> {
  const created = await core.post('/projects', {
    as: admin,
    body: { project_name: name, metadata: { public: 'false' } },
  })
  expect(created.status).toBe(201)
  return Number(created.headers.get('location')?.split('/').at(-1))
}

async function addMember(project: string, username: string, roleId: number): Promise<void> {
  const body = { role_id: roleId, member_user: { username } }
  expect((await core.post(`/projects/${project}/members`, { as: admin, body })).status).toBe(201)
}

async function entries(path: string, q: string, caller = admin): Promise<Entry[]> {
  const reply = await core.get(`${path}?page_size=100&q=${encodeURIComponent(q)}`, { as: caller })
  expect(reply.status).toBe(200)
  return reply.body as Entry[]
}

const shown = (found: readonly Entry[]) =>
  found.map((one) => `${one.username} ${one.operation} ${one.resource_type} ${one.resource} ${one.operation_result}`)

interface Told {
  id?: string
  occurredAt?: string
  actor?: string
  address?: string
  requestId?: string
}

let messages = 0
async function tell(kind: { subject: string }, data: object, over: Told = {}): Promise<EventEnvelope> {
  const event: EventEnvelope = {
    id: randomUUID(),
    type: kind.subject,
    occurredAt: new Date().toISOString(),
    revision: 1,
    ...over,
    data,
  }
  const messageId = `registry:${++messages}`
  await tellEvent(registry, { subject: kind.subject, messageId, payload: JSON.stringify(event) })
  return event
}

const artifact = (projectId: number, repository: string) => ({
  projectId,
  repository,
  digest: `sha256:${'a'.repeat(64)}`,
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
})

describe('what people change', () => {
  it('stands in both lists, with who, from where and in which request', async () => {
    const reply = await core.post('/projects', {
      as: admin,
      body: { project_name: 'kept', metadata: { public: 'false' } },
      headers: { 'x-request-id': 'audit-1', 'x-forwarded-for': '203.0.113.9' },
    })
    expect(reply.status).toBe(201)
    const [entry] = await entries('/auditlog-exts', 'resource=kept,resource_type=project')
    expect(entry).toMatchObject({
      username: 'admin',
      operation: 'create',
      operation_result: true,
      client_address: '203.0.113.9',
      request_id: 'audit-1',
    })
    expect(Date.parse(entry?.op_time ?? '')).toBeGreaterThan(Date.now() - 60_000)
    const { id, op_time } = entry as Entry
    expect(await entries('/audit-logs', 'resource=kept')).toEqual([
      { id, op_time, username: 'admin', resource: 'kept', resource_type: 'project', operation: 'create' },
    ])
    expect((await entries('/projects/kept/logs', '')).map((one) => one.id)).toEqual([id])
    expect((await entries('/projects/kept/auditlog-exts', '')).map((one) => one.id)).toEqual([id])
  })

  it('is found by every field, sorted and in pages', async () => {
    await newProject('found')
    for (const name of ['alice', 'bob']) await addMember('found', name, 3)
    const all = await entries('/projects/found/auditlog-exts', '')
    expect(all.map(({ resource_type }) => resource_type)).toEqual(['member', 'member', 'project'])
    const counts = async (q: string) => (await entries('/projects/found/auditlog-exts', q)).length
    expect(await counts('username=admin')).toBe(3)
    expect(await counts('username=~DMI')).toBe(3)
    expect(await counts('username=alice')).toBe(0)
    expect(await counts('resource_type={member tag}')).toBe(2)
    expect(await counts('operation=create,resource_type=project')).toBe(1)
    expect(await counts('operation_result=true')).toBe(3)
    expect(await counts('op_result=false')).toBe(0)
    expect(await counts(`op_time=[${all[2]?.op_time}~]`)).toBe(3)
    expect(await counts(`op_time=[~2020-01-01 00:00:00]`)).toBe(0)
    expect(await counts('password=x,unknown=~y')).toBe(3)
    expect((await core.get('/projects/found/logs?q=op_time%3Dsoon', { as: admin })).status).toBe(400)
    const page = await core.get('/projects/found/logs?page=2&page_size=2&sort=id', { as: admin })
    expect((page.body as Entry[]).map(({ id }) => id)).toEqual([all[0]?.id])
    expect(page.headers.get('x-total-count')).toBe('3')
    expect(page.headers.get('link')).toContain('rel="prev"')
  })

  it('stands in the list once when it is saved and not yet in force', async () => {
    await newProject('later')
    await surroundings.peers.silence('registry')
    const body = { role_id: 2, member_user: { username: 'carol' } }
    const reply = await core.post('/projects/later/members', { as: admin, body })
    await surroundings.peers.wake('registry')
    expect(reply.status).toBe(503)
    expect(
      (await entries('/projects/later/auditlog-exts', 'resource_type=member')).map((one) => one.operation_result),
    ).toEqual([true])
  })

  it('is nobody\u2019s to see but administrators\u2019 and those who may read the log of the project', async () => {
    await newProject('mine')
    await newProject('other')
    await addMember('mine', 'alice', 1)
    await addMember('mine', 'bob', 3)
    const projects = new Set(
      (await entries('/auditlog-exts', 'resource_type=project', as('alice'))).map((e) => e.resource),
    )
    expect(projects).toEqual(new Set(['mine']))
    expect((await entries('/projects/mine/logs', '', as('alice'))).length).toBe(3)
    expect(await entries('/audit-logs', '', as('bob'))).toEqual([])
    const status = async (path: string, caller?: string) => (await core.get(path, { as: caller })).status
    expect(await status('/projects/mine/logs', as('bob'))).toBe(403)
    expect(await status('/projects/other/auditlog-exts', as('alice'))).toBe(403)
    expect(await status('/projects/nowhere/logs', as('alice'))).toBe(403)
    expect(await status('/projects/nowhere/logs', admin)).toBe(404)
    for (const path of ['/audit-logs', '/auditlog-exts', '/auditlog-exts/events', '/projects/mine/logs']) {
      expect(await status(path)).toBe(401)
    }
    expect(await status('/auditlog-exts/events', as('alice'))).toBe(403)
    const types = (await core.get('/auditlog-exts/events', { as: admin })).body
    expect(types).toContainEqual({ event_type: 'create_artifact' })
  })
})

describe('what people try', () => {
  it('is recorded as failed in the newer list, under the project it was about', async () => {
    const id = await newProject('tried')
    await addMember('tried', 'bob', 3)
    expect((await core.delete('/projects/tried', { as: as('bob') })).status).toBe(403)
    expect((await core.post(`/projects/${id}/members`, { as: as('bob'), body: { role_id: 1 } })).status).toBe(403)
    expect((await core.put('/users/1/sysadmin', { as: as('bob'), body: { sysadmin_flag: true } })).status).toBe(403)
    const failed = () => entries('/auditlog-exts', 'username=bob,operation_result=false')
    await expect.poll(async () => (await failed()).length, eventually).toBe(3)
    expect(shown(await failed()).toSorted()).toEqual([
      `bob create member ${id} false`,
      'bob delete project tried false',
      'bob update user 1 false',
    ])
    expect((await failed()).map((one) => one.operation_description)).toContain(
      'DELETE /api/v2.0/projects/tried was answered 403',
    )
    expect(await entries('/projects/tried/auditlog-exts', 'operation_result=false')).toHaveLength(2)
    expect(await entries('/audit-logs', 'username=bob')).toEqual([])
  })

  it('is recorded of who hangs up before the answer as well', async () => {
    const { hostname, port } = new URL(core.url)
    const socket = connect(Number(port), hostname)
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    const credentials = Buffer.from(as('bob')).toString('base64')
    socket.write(`DELETE /api/v2.0/labels/424242 HTTP/1.1\r\nHost: x\r\nAuthorization: Basic ${credentials}\r\n\r\n`)
    await once(socket.end(), 'finish')
    socket.destroy()
    const failed = () => entries('/auditlog-exts', 'username=bob,resource=424242')
    await expect.poll(async () => shown(await failed()), eventually).toEqual(['bob delete label 424242 false'])
  })

  it('is recorded for wrong credentials under a name that exists, and under no other', async () => {
    const secret = 'Canary-typed-into-the-wrong-field-1'
    for (const credentials of [`alice:${secret}`, `${secret}:${secret}`, `robot$x:${secret}`]) {
      expect((await core.get('/users/current', { as: credentials })).status).toBe(401)
    }
    const failed = () => entries('/auditlog-exts', 'operation=login,operation_result=false')
    await expect.poll(async () => (await failed()).length, eventually).toBe(3)
    expect(shown(await failed()).toSorted()).toEqual([
      'alice login user alice false',
      'anonymous login user an unknown name false',
      'robot$x login user robot$x false',
    ])
  })

  it('is not recorded of somebody who has not signed in, nor of reading', async () => {
    const count = async () => Number((await database.query('SELECT count(*) FROM audit_log')).rows[0].count)
    const before = await count()
    expect((await core.delete('/projects/library')).status).toBe(401)
    expect((await core.get('/projects/999999', { as: as('carol') })).status).toBe(403)
    expect((await core.delete('/users/999999', { as: admin })).status).toBe(404)
    await expect.poll(count, eventually).toBe(before + 1)
  })
})

describe('what happens in the registry', () => {
  it('is one row however often its event comes', async () => {
    const id = await newProject('content')
    const pushed = { ...artifact(id, 'content/app'), sizeBytes: 9, tags: ['1'] }
    const from = { actor: 'alice', address: '203.0.113.7', requestId: 'push-1' }
    const event = await tell(artifactPushed, pushed, from)
    await tell(artifactPushed, pushed, { ...from, id: event.id, occurredAt: event.occurredAt })
    const { tags, sizeBytes, ...one } = pushed
    await tell(tagDeleted, { ...one, tag: tags[0] }, { actor: 'bob' })
    await tell(artifactPulled, { ...one, tag: '1', count: sizeBytes, pulledAt: event.occurredAt })
    const found = () => entries('/projects/content/auditlog-exts', 'resource_type={artifact tag}')
    await expect.poll(async () => (await found()).length, eventually).toBe(3)
    await tell(tagDeleted, { ...one, tag: 'last' }, { actor: 'bob' })
    await expect.poll(async () => (await found()).length, eventually).toBe(4)
    expect(shown(await found()).toReversed()).toEqual([
      'alice create artifact content/app:1 true',
      'bob delete tag content/app:1 true',
      'anonymous pull artifact content/app:1 true',
      'bob delete tag content/app:last true',
    ])
    expect((await found()).at(-1)).toMatchObject({ client_address: '203.0.113.7', request_id: 'push-1' })
    expect((await found())[1]?.operation_description).toBe('9 times')
  })

  it('is written down by whichever replica reads it, an unreadable event by none', async () => {
    const second = await surroundings.startCore({ DATABASE_URL: core.databaseUrl })
    const id = await newProject('replicas')
    const badly = await tell(artifactPushed, { nothing: 'of it' })
    const pushed = { ...artifact(id, 'replicas/app'), sizeBytes: 1 }
    for (let n = 0; n < 50; n++) await tell(artifactPushed, { ...pushed, tags: [`t${n}`] })
    const found = () => entries('/projects/replicas/logs', 'resource_type=artifact')
    await expect.poll(async () => (await found()).length, eventually).toBe(50)
    await second.stop()
    const refused = [...core.errors, ...second.errors].splice(0)
    expect(refused.map(({ message }) => message)).toEqual(['an event cannot be read, the audit log goes without it'])
    expect(refused[0]?.fields?.subject).toBe(badly.type)
    core.errors.splice(0)
  })
})

describe('kinds that are switched off', () => {
  it('are left out: changes by name, pulls by their own setting as well', async () => {
    const id = await newProject('quiet')
    await core.set({ disabled_audit_log_event_types: 'create_member, delete_tag', pull_audit_log_disable: true })
    await addMember('quiet', 'alice', 2)
    const one = artifact(id, 'quiet/app')
    await tell(tagDeleted, { ...one, tag: '1' })
    await tell(artifactPulled, { ...one, count: 1, pulledAt: new Date().toISOString() })
    await tell(artifactPushed, { ...one, sizeBytes: 1, tags: [] })
    const found = () => entries('/projects/quiet/auditlog-exts', '')
    await expect.poll(async () => (await found()).some((e) => e.resource_type === 'artifact'), eventually).toBe(true)
    expect((await found()).map((e) => `${e.operation} ${e.resource_type}`)).toEqual([
      'create artifact',
      'create project',
    ])
    await core.set({ disabled_audit_log_event_types: '', pull_audit_log_disable: false })
  })
})

describe('forwarding', () => {
  it('tells each line beside its row, or instead of it when the database is skipped', async () => {
    await newProject('unforwarded')
    await core.set({ audit_log_forward_endpoint: '127.0.0.1:514' })
    const id = await newProject('forwarded')
    const event = await tell(artifactPushed, { ...artifact(id, 'forwarded/app'), sizeBytes: 1, tags: ['1'] })
    await expect.poll(() => forwarded.length, eventually).toBe(2)
    expect(forwarded[0]).toMatchObject({ username: 'admin', operation: 'create', resource: 'forwarded', projectId: id })
    expect(forwarded[1]).toMatchObject({ id: event.id, occurredAt: event.occurredAt, resource: 'forwarded/app:1' })
    expect(await entries('/projects/forwarded/logs', '')).toHaveLength(2)

    await core.set({ skip_audit_log_database: true })
    await newProject('skipped')
    expect((await core.delete('/projects/nowhere', { as: admin })).status).toBe(404)
    await expect.poll(() => forwarded.length, eventually).toBe(4)
    expect(forwarded.slice(2).map(({ resource, succeeded }) => [resource, succeeded])).toEqual([
      ['skipped', true],
      ['nowhere', false],
    ])
    expect(await entries('/audit-logs', 'resource={skipped nowhere}')).toEqual([])
    await core.set({ audit_log_forward_endpoint: '', skip_audit_log_database: false })
  })

  it('does not outlive the change: what is rolled back is neither kept nor told', async () => {
    await core.set({ audit_log_forward_endpoint: '127.0.0.1:514' })
    const before = forwarded.length
    await newProject('twice')
    const again = await core.post('/projects', { as: admin, body: { project_name: 'twice' } })
    expect(again.status).toBe(409)
    await expect.poll(() => forwarded.length, eventually).toBe(before + 2)
    expect(forwarded.slice(before).map(({ succeeded }) => succeeded)).toEqual([true, false])
    await core.set({ audit_log_forward_endpoint: '' })
  })
})

describe('signing in and out', () => {
  it('is recorded of browsers', async () => {
    const opened = await core.get('/systeminfo')
    const csrf = opened.headers.getSetCookie().map((cookie) => cookie.split(';')[0])
    const token = opened.headers.get('x-harbor-csrf-token') ?? ''
    const body = new URLSearchParams({ principal: 'carol', password: passwordOf('carol') })
    const headers = { cookie: csrf.join('; '), 'X-Harbor-CSRF-Token': token, 'x-forwarded-for': '203.0.113.5' }
    const reply = await core.post('/c/login', { body, headers })
    expect(reply.status).toBe(200)
    const sid = reply.headers.getSetCookie().find((cookie) => cookie.startsWith('sid='))
    expect((await core.get('/c/log_out', { headers: { cookie: sid?.split(';')[0] ?? '' } })).status).toBe(200)
    const found = await entries('/auditlog-exts', 'username=carol,resource_type=user,operation={login logout}')
    expect(found.map(({ operation, resource }) => `${operation} ${resource}`)).toEqual(['logout carol', 'login carol'])
    expect(found[1]?.client_address).toBe('203.0.113.5')
  })
})

describe('the table', () => {
  it('has a partition for this month and the next two, and keeps rows in them', async () => {
    const { rows } = await database.query(
      `SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'audit_log'::regclass ORDER BY c.relname`,
    )
    const months = rows.map(({ name }) => name).filter((name) => name !== 'audit_log_default')
    expect(months).toHaveLength(3)
    expect(months[0]).toBe(`audit_log_${new Date().toISOString().slice(0, 7).replace('-', '_')}`)
    const used = await database.query('SELECT DISTINCT tableoid::regclass::text AS name FROM audit_log')
    expect(used.rows.map(({ name }) => name)).toEqual([months[0]])
  })

  it('holds no secret anybody has sent', async () => {
    const { rows } = await database.query('SELECT string_agg(a::text, $1) AS text FROM audit_log a', ['\n'])
    expect(rows[0].text.length).toBeGreaterThan(1_000)
    expect(rows[0].text).not.toMatch(/Canary/i)
    expect(rows[0].text).not.toContain(ADMIN_PASSWORD)
  })
})
