import { type Database, migrate, openDatabase } from '@berth/db'
import { BadRequest, Conflict } from '@berth/errors'
import { silentLogger } from '@berth/runtime'
import { type ThrowAwayPostgres, throwAwayPostgres } from '@berth/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { migrations } from '../../migrations/index.ts'
import { createAuditTrail } from '../audit/index.ts'
import type { AccessChanges } from '../project/index.ts'
import { createIdentities, type Identities } from './identities.ts'
import type { ExternalPerson } from './identity.ts'

let postgres: ThrowAwayPostgres
let database: Database
let identities: Identities
/** What each change touched. */
const touched: (readonly number[] | 'all')[] = []

beforeAll(async () => {
  postgres = await throwAwayPostgres()
  const url = await postgres.createDatabase()
  database = openDatabase({ url, service: 'core', schema: 'core', log: silentLogger })
  await migrate(database, { schema: 'core', migrations, log: silentLogger })
  const access: AccessChanges = {
    change: (_caller, work) =>
      database.transaction(async (tx) => {
        const { touches, result } = await work(tx)
        touched.push(touches)
        return result
      }),
  }
  const audit = createAuditTrail({ get: () => '', refresh: async () => undefined } as never)
  identities = createIdentities({ database, access, audit })
})
beforeEach(() => touched.splice(0))
afterAll(async () => {
  await database?.close()
  await postgres?.stop()
}, 30_000)

const ada = (more: Partial<ExternalPerson> = {}): ExternalPerson => ({
  provider: 'ldap',
  issuer: 'ldap',
  subject: 'entryUUID:1',
  username: 'ada',
  email: 'ada@example.org',
  realname: 'Ada Example',
  groups: [],
  groupAdmin: false,
  ...more,
})
const groups = (...names: string[]) => names.map((name) => ({ name, dn: `CN=${name}, OU=Groups,DC=Example` }))

async function rows<T>(sql: string): Promise<T[]> {
  const { rows: found } = await database.knex.raw(sql)
  return found
}

const groupsOf = (username: string) =>
  rows<{ name: string }>(
    `SELECT g.name FROM core.group_people p JOIN core.groups g ON g.id = p.group_id
       JOIN core.users u ON u.id = p.user_id WHERE u.username = '${username}' ORDER BY 1`,
  ).then((found) => found.map(({ name }) => name))

describe('somebody from outside', () => {
  it('is nobody until they are to be made a user', async () => {
    expect(await identities.signIn(ada(), { onboard: false })).toBeUndefined()
    expect(await identities.find(ada())).toBeUndefined()
    const made = await identities.signIn(ada({ groups: groups('devs', 'ops') }), { onboard: true })
    expect(made).toMatchObject({ kind: 'user', name: 'ada', admin: false })
    expect(await identities.find(ada())).toEqual({ userId: made?.id })
    expect(await groupsOf('ada')).toEqual(['devs', 'ops'])
    const [user] = await rows(`SELECT email, realname, password_hash, sysadmin FROM core.users WHERE username = 'ada'`)
    expect(user).toEqual({ email: 'ada@example.org', realname: 'Ada Example', password_hash: null, sysadmin: false })
    const audited = await rows('SELECT username, operation, resource_type, resource FROM core.audit_log ORDER BY id')
    expect(audited).toEqual([
      { username: 'ada', operation: 'create', resource_type: 'user', resource: 'ada' },
      { username: 'ada', operation: 'create', resource_type: 'usergroup', resource: 'devs' },
      { username: 'ada', operation: 'create', resource_type: 'usergroup', resource: 'ops' },
    ])
  })

  it('is known again by issuer and subject, with what has changed', async () => {
    const again = await identities.signIn(ada({ username: 'ada2', email: 'new@example.org' }), { onboard: true })
    expect(again).toMatchObject({ name: 'ada' })
    expect(await rows(`SELECT email FROM core.users WHERE username = 'ada'`)).toEqual([{ email: 'new@example.org' }])
    expect(await rows(`SELECT 1 FROM core.users WHERE username = 'ada2'`)).toEqual([])
  })

  it.each([
    ['another subject', { subject: 'entryUUID:2' }],
    ['another issuer', { issuer: 'https://elsewhere' }],
    ['another way', { provider: 'oidc' as const }],
    ['the name of the administrator', { subject: 'entryUUID:3', username: 'admin' }],
  ])('with a name somebody has, but %s, is refused and never taken for them (GHSA-xvh7-74g6-29xw)', async (_, more) => {
    await expect(identities.signIn(ada(more), { onboard: true })).rejects.toThrow(Conflict)
    expect(await identities.find(ada(more))).toBeUndefined()
  })

  it.each(['', 'a,b', 'x'.repeat(300), ' ada', 'robot$ada'])('cannot be a user called %j', async (username) => {
    await expect(identities.signIn(ada({ subject: 's', username }), { onboard: true })).rejects.toThrow(BadRequest)
  })

  it.each([
    { subject: '' },
    { issuer: '' },
    { subject: 'a\nb' },
    { issuer: 'x'.repeat(2_000) },
    { subject: 'a\ud800' },
  ])('needs an issuer and a subject (%j)', async (more) => {
    await expect(identities.signIn(ada(more), { onboard: true })).rejects.toThrow(BadRequest)
  })

  it('brings no group along whose name is half a character: stored, it would be that of another', async () => {
    const half = ada({ provider: 'oidc', issuer: 'https://idp', subject: 'half', username: 'half' })
    await identities.signIn({ ...half, groups: [{ name: 'ops\ud800' }, { name: 'whole' }] }, { onboard: true })
    expect(await groupsOf('half')).toEqual(['whole'])
  })

  it('may choose their name when they come for the first time, and not later', async () => {
    const eve = ada({ provider: 'oidc', issuer: 'https://idp', subject: 'eve', username: '', email: undefined })
    expect(await identities.signIn(eve, { onboard: true, username: 'eve' })).toMatchObject({ name: 'eve' })
    expect(await identities.signIn(eve, { onboard: true, username: 'other' })).toMatchObject({ name: 'eve' })
  })

  it('does not get the mail address of somebody else, nor one that is none', async () => {
    const first = ada({ subject: 'm1', username: 'm1', email: 'shared@example.org' })
    await identities.signIn(first, { onboard: true })
    for (const email of ['shared@example.org', 'no address', '']) {
      await identities.signIn(ada({ subject: 'm2', username: 'm2', email }), { onboard: true })
    }
    const found = await rows(`SELECT username, email FROM core.users WHERE username IN ('m1', 'm2') ORDER BY 1`)
    expect(found).toEqual([
      { username: 'm1', email: 'shared@example.org' },
      { username: 'm2', email: null },
    ])
  })

  it('becomes one user, however many times they come at once', async () => {
    const person = ada({ subject: 'many', username: 'many', email: undefined, groups: groups('devs', 'new') })
    const callers = await Promise.all(Array.from({ length: 6 }, () => identities.signIn(person, { onboard: true })))
    expect(new Set(callers.map((caller) => caller?.id)).size).toBe(1)
    expect(await groupsOf('many')).toEqual(['devs', 'new'])
  })

  it('is somebody new after their user was deleted', async () => {
    const person = ada({ subject: 'gone', username: 'gone', email: undefined })
    const first = await identities.signIn(person, { onboard: true })
    await rows(`UPDATE core.users SET deleted_at = now(), username = 'gone#1' WHERE id = ${first?.id}`)
    expect(await identities.find(person)).toBeUndefined()
    expect(await identities.signIn(person, { onboard: false })).toBeUndefined()
    const second = await identities.signIn(person, { onboard: true })
    expect(second?.id).not.toBe(first?.id)
  })
})

describe('groups from outside', () => {
  const bob = (...names: string[]) =>
    ada({ subject: 'bob', username: 'bob', email: undefined, groups: groups(...names) })

  it('are those of the last sign-in, and tokens for what was left are worth nothing any more (CVE-2025-23208)', async () => {
    await identities.signIn(bob('devs', 'ops'), { onboard: true })
    await rows(`INSERT INTO core.members (project_id, group_id, role_id)
      SELECT 1, id, 2 FROM core.groups WHERE name = 'ops'`)
    touched.splice(0)
    await identities.signIn(bob('devs', 'ops'), { onboard: true })
    await identities.signIn(bob('devs', 'ops', 'more'), { onboard: true })
    await identities.signIn(bob('ops', 'more'), { onboard: true })
    await identities.signIn(bob('more'), { onboard: true })
    expect(touched).toEqual([[], [], [], [1]])
    expect(await groupsOf('bob')).toEqual(['more'])
  })

  it('are one group for all ways to write its DN, and two for two DNs with one name', async () => {
    const twin = [
      { name: 'twin', dn: 'cn=twin,ou=a,dc=example' },
      { name: 'twin', dn: 'CN=Twin, OU=b,DC=example' },
      { name: 'twin', dn: 'cn=TWIN,ou=b,dc=example' },
      { name: 'twin', dn: 'no dn' },
    ]
    await identities.signIn(ada({ ...bob(), groups: twin }), { onboard: true })
    const found = await rows(`SELECT ldap_dn FROM core.groups WHERE name = 'twin' ORDER BY 1`)
    expect(found).toEqual([{ ldap_dn: 'cn=twin,ou=a,dc=example' }, { ldap_dn: 'cn=twin,ou=b,dc=example' }])
  })

  it('of a provider have no DN, and leave those of a directory alone', async () => {
    const both = { email: undefined, username: 'both' }
    const first = await identities.signIn(ada({ ...both, subject: 'both', groups: groups('devs') }), { onboard: true })
    await rows(`INSERT INTO core.identities (provider, issuer, subject, user_id)
      VALUES ('oidc', 'https://idp', 'both', ${first?.id})`)
    const oidc = { ...both, provider: 'oidc' as const, issuer: 'https://idp', subject: 'both' }
    await identities.signIn(ada({ ...oidc, groups: [{ name: 'devs' }, { name: ' ' }] }), { onboard: true })
    const found = await rows(`SELECT g.kind FROM core.group_people p JOIN core.groups g ON g.id = p.group_id
      WHERE p.user_id = ${first?.id} ORDER BY 1`)
    expect(found).toEqual([{ kind: 1 }, { kind: 3 }])
  })

  it('make administrators, and take all their tokens back when they no longer do', async () => {
    const chief = (groupAdmin: boolean) => ada({ subject: 'chief', username: 'chief', email: undefined, groupAdmin })
    expect(await identities.signIn(chief(true), { onboard: true })).toMatchObject({ admin: true })
    expect(await identities.signIn(chief(false), { onboard: true })).toMatchObject({ admin: false })
    expect(touched).toEqual([[], 'all'])
    await rows(`UPDATE core.users SET sysadmin = true WHERE username = 'chief'`)
    expect(await identities.signIn(chief(true), { onboard: true })).toMatchObject({ admin: true })
    expect(await identities.signIn(chief(false), { onboard: true })).toMatchObject({ admin: true })
    expect(touched.slice(2)).toEqual([[], []])
  })

  it('can be made before anybody comes', async () => {
    const by = { kind: 'user' as const, id: 1, name: 'admin', admin: true }
    const key = { name: 'early', dn: 'cn=early,dc=example' }
    const id = await identities.ensureGroup(by, 'ldap', key)
    expect(await identities.ensureGroup(by, 'ldap', key)).toBe(id)
    const audited = await rows(`SELECT username, operation FROM core.audit_log WHERE resource = 'early'`)
    expect(audited).toEqual([{ username: 'admin', operation: 'create' }])
  })
})
