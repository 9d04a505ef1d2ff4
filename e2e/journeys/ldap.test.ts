import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Api, ROLE } from '../src/api.ts'
import { openDocker, toldDigest } from '../src/clients/docker.ts'
import { type Dockerd, startDockerd } from '../src/clients/dockerd.ts'
import { makeImage } from '../src/images/image.ts'
import { writeDockerArchive } from '../src/images/on-disk.ts'
import { DIRECTORY_BASE as BASE, type Directory, MANAGER, startSlapd } from '../src/peers/slapd.ts'
import { until } from '../src/process.ts'
import { openScratch, removeScratch } from '../src/scratch.ts'
import { type Suite, startSuite } from '../src/suite.ts'
import { openTools, type Tools } from '../tools/install.ts'

const GROUPS = `ou=groups,${BASE}`

const person = (uid: string): string => `dn: uid=${uid},ou=people,${BASE}
objectClass: inetOrgPerson
uid: ${uid}
cn: ${uid} of the directory
sn: ${uid}
mail: ${uid}@example.org
userPassword: ${uid}-password
`
const group = (cn: string, member: string): string => `dn: cn=${cn},${GROUPS}
objectClass: groupOfNames
cn: ${cn}
member: ${member}
`
const unit = (ou: string): string => `dn: ou=${ou},${BASE}\nobjectClass: organizationalUnit\nou: ${ou}\n`

describe('signing in with a directory', () => {
  let home: string
  let tools: Tools
  let suite: Suite
  let dockerd: Dockerd
  let directory: Directory
  let admin: Api

  const as = (name: string, password = `${name}-password`): Api => new Api(suite.url, { name, password })
  const whoIs = (name: string, password?: string) => as(name, password).get('/api/v2.0/users/current')
  const configure = (values: Record<string, unknown>) => admin.must(200, 'PUT', '/api/v2.0/configurations', values)
  const ping = async (body: Record<string, unknown>): Promise<boolean> => {
    const answer = await admin.must(200, 'POST', '/api/v2.0/ldap/ping', body)
    return answer.json<{ success: boolean }>().success
  }

  beforeAll(async () => {
    home = await openScratch()
    tools = await openTools()
    directory = await startSlapd(tools, home)
    const dn = (uid: string) => `uid=${uid},ou=people,${BASE}`
    const entries = [
      unit('people'),
      unit('groups'),
      ...['ann', 'bob', 'cat', 'admin'].map(person),
      group('crew', dn('ann')),
      group('harbour', `cn=crew,${GROUPS}`),
      group('captains', dn('cat')),
    ]
    await directory.add(entries.join('\n'))
    suite = await startSuite({ env: { BERTH_EGRESS_ALLOW: '127.0.0.0/8' }, scale: { core: 2 } })
    dockerd = await startDockerd(tools)
    admin = Api.admin(suite)
  })

  afterAll(async () => {
    await dockerd?.stop()
    await suite?.stop()
    await directory?.stop()
    await removeScratch(home)
  })

  it('the directory is tried: plain, with StartTLS and with TLS, whose certificate must be known', async () => {
    const searcher = { ldap_search_dn: MANAGER.dn, ldap_search_password: MANAGER.password }
    const known = { ldap_ca_certificate: directory.certificate }
    expect(await ping({ ...searcher, ldap_url: directory.url })).toBe(true)
    expect(await ping({ ...searcher, ldap_url: directory.url, ldap_search_password: 'wrong' })).toBe(false)
    expect(await ping({ ...searcher, ldap_url: directory.url, ldap_starttls: true })).toBe(false)
    expect(await ping({ ...searcher, ...known, ldap_url: directory.url, ldap_starttls: true })).toBe(true)
    expect(await ping({ ...searcher, ldap_url: directory.tlsUrl })).toBe(false)
    expect(await ping({ ...searcher, ...known, ldap_url: directory.tlsUrl })).toBe(true)
    expect(await ping({ ...searcher, ldap_url: directory.tlsUrl, ldap_verify_cert: false })).toBe(true)
  })

  it('its people sign in under StartTLS, with their own passwords and no empty one', async () => {
    await configure({
      auth_mode: 'ldap_auth',
      ldap_url: directory.url,
      ldap_starttls: true,
      ldap_ca_certificate: directory.certificate,
      ldap_base_dn: `ou=people,${BASE}`,
      ldap_uid: 'uid',
      ldap_filter: '(objectClass=inetOrgPerson)',
      ldap_search_dn: MANAGER.dn,
      ldap_search_password: MANAGER.password,
      ldap_group_base_dn: GROUPS,
      ldap_group_search_filter: '(objectClass=groupOfNames)',
      ldap_group_admin_dn: `CN=Captains,${GROUPS}`,
    })
    const mode = async () => (await new Api(suite.url).get('/api/v2.0/systeminfo')).json<{ auth_mode: string }>()
    await until('every replica to know', 20_000, async () => {
      const told = await Promise.all(Array.from({ length: 16 }, mode))
      return told.every(({ auth_mode }) => auth_mode === 'ldap_auth')
    })
    const ann = await whoIs('ann')
    expect([ann.status, ann.json()]).toMatchObject([200, { username: 'ann', email: 'ann@example.org' }])
    for (const password of ['', 'wrong', '*']) expect((await whoIs('ann', password)).status).toBe(401)
    for (const name of ['*', 'ann)(uid=*', 'nobody']) expect((await whoIs(name, 'ann-password')).status).toBe(401)
    expect((await whoIs('admin')).status).toBe(401)
    expect((await admin.get('/api/v2.0/users/current')).status).toBe(200)
  })

  it('a group of a group opens a project, for docker too: login, push, pull', async () => {
    await admin.createProject('quay')
    const member_group = { ldap_group_dn: `cn=harbour,${GROUPS}`, group_type: 1 }
    const body = { role_id: ROLE.developer, member_group }
    await admin.must(201, 'POST', '/api/v2.0/projects/quay/members', body)

    const image = await makeImage({ name: 'ldap', layerBytes: [2_000] })
    const tag = `${suite.host}/quay/app:1`
    const docker = await openDocker(tools, dockerd, join(home, 'ann'))
    expect((await docker.login(suite.host, 'ann', 'ann-password')).output).toContain('Login Succeeded')
    await docker('load', '-i', await writeDockerArchive(join(home, 'image.tar'), image, [tag]))
    const pushed = await docker('push', tag)
    expect(pushed.code, pushed.output).toBe(0)
    const pulled = await docker('pull', tag)
    expect(pulled.code, pulled.output).toBe(0)
    expect(toldDigest(pulled.output)).toBe(toldDigest(pushed.output))

    const bob = await openDocker(tools, dockerd, join(home, 'bob'))
    expect((await bob.login(suite.host, 'bob', 'bob-password')).output).toContain('Login Succeeded')
    expect((await bob('pull', tag)).code).not.toBe(0)
    const wrong = await openDocker(tools, dockerd, join(home, 'wrong'))
    expect((await wrong.login(suite.host, 'bob', 'ann-password')).code).not.toBe(0)
  })

  it('the group of administrators administers', async () => {
    expect((await as('cat').get('/api/v2.0/users')).status).toBe(200)
    expect((await as('ann').get('/api/v2.0/users')).status).toBe(403)
  })

  it('people and groups of it are found, and people imported', async () => {
    const people = await admin.must(200, 'GET', '/api/v2.0/ldap/users/search?username=bob')
    expect(people.json()).toEqual([{ username: 'bob', realname: 'bob of the directory', email: 'bob@example.org' }])
    const groups = await admin.must(200, 'GET', '/api/v2.0/ldap/groups/search?groupname=arb')
    expect(groups.json()).toEqual([{ group_name: 'harbour', group_type: 1, ldap_group_dn: `cn=harbour,${GROUPS}` }])
    const wanted = { ldap_uid_list: ['bob', 'nobody'] }
    const failed = await admin.must(404, 'POST', '/api/v2.0/ldap/users/import', wanted)
    expect(failed.json()).toEqual([{ uid: 'nobody', error: 'unknown_user' }])
  })

  it('who has left a group, or moved, is known all the same and has what is left', async () => {
    const before = (await whoIs('ann')).json<{ user_id: number }>()
    await directory.modify(`dn: cn=crew,${GROUPS}
changetype: modify
replace: member
member: uid=bob,ou=people,${BASE}

dn: uid=ann,ou=people,${BASE}
changetype: modify
replace: userPassword
userPassword: moved-password

dn: uid=ann,ou=people,${BASE}
changetype: modrdn
newrdn: cn=Ann
deleteoldrdn: 0
`)
    const after = await whoIs('ann', 'moved-password')
    expect(after.json()).toMatchObject({ user_id: before.user_id })
    expect((await as('ann', 'moved-password').get('/api/v2.0/projects/quay')).status).toBe(403)
    await admin.must(200, 'POST', '/api/v2.0/ldap/users/import', { ldap_uid_list: ['bob'] })
    expect((await as('bob').get('/api/v2.0/projects/quay')).status).toBe(200)
  })

  it('no password stands in a log', async () => {
    const log = await suite.log()
    for (const secret of ['ann-password', 'moved-password', MANAGER.password]) expect(log).not.toContain(secret)
  })
})
