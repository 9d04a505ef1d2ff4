import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Api, type Person, ROLE } from '../src/api.ts'
import { ask, basic } from '../src/http.ts'
import { makeImage } from '../src/images/image.ts'
import { run } from '../src/process.ts'
import { askRaw } from '../src/raw.ts'
import { getToken, RegistryClient } from '../src/registry-client.ts'
import { type Suite, startSuite } from '../src/suite.ts'

const MARKUP = '<img src=x onerror=alert(1)><script>alert(2)</script>"\'`'

// The numbers are those of docs/security-cases.md.
describe('holes others had in the management of people, projects and content, through the gateway', () => {
  let suite: Suite
  let admin: Api
  let person: Person

  beforeAll(async () => {
    suite = await startSuite()
    admin = Api.admin(suite)
    person = await admin.createUser('person')
    await admin.createProject('closed')
    const client = new RegistryClient(suite.url, basic('admin', suite.adminPassword))
    await client.pushImage('closed/app', '1', await makeImage({ name: 'closed', layerBytes: [2000] }))
  })
  afterAll(() => suite?.stop())

  it.each([
    '/api/v2.0/users',
    '/api/v2.0/users/',
    '//api/v2.0/users',
    '/api//v2.0/users',
    '/api/v2.0//users',
    '/api/v2.0/./users',
    '/api/v2.0/ping/../users',
    '/api/v2.0/%75sers',
    '/API/v2.0/users',
    '/api/V2.0/users',
    '/api/v2.0/USERS',
    '/api/v2.0/users;x=1',
    '/api/v2.0/users%2f',
    '/api%2fv2.0/users',
    '/api/v2.0/ping/%2e%2e/users',
    '/api/v2.0/projects/closed/../../users',
    '/api/v2.0/projects/closed/repositories',
    '/api/v2.0/projects/closed//repositories',
    '/api/v2.0/projects/CLOSED/repositories',
    '/api/v2.0/projects/%63losed/repositories',
    '/api/v2.0/health/../projects/closed/repositories',
  ])('6: nobody reads %s, however it is written', async (path) => {
    const answer = await askRaw(suite.url, 'GET', path)
    expect(answer.status, answer.text).toBeGreaterThanOrEqual(300)
    expect(answer.status, answer.text).toBeLessThan(500)
    expect(answer.text).not.toMatch(/closed\/app|@example|"username"/)
  })

  it.each([
    '/api/v2.0/icons/..%2f..%2f..%2fetc%2fpasswd',
    '/api/v2.0/icons/sha256:..%2f..%2fetc',
    '/api/v2.0/projects/closed/repositories/..%252f..%252f..%252fetc/artifacts',
    '/api/v2.0/projects/closed/repositories/app/artifacts/..%2f..%2f..%2fetc%2fpasswd',
    '/api/v2.0/projects/closed/repositories/app/artifacts/1/additions/..%2f..%2fetc%2fpasswd',
    '/api/v2.0/projects/closed/repositories/%252e%252e%252fother/artifacts',
    '/api/v2.0/projects/..%2f..%2fetc/summary',
    '/c/../../etc/passwd',
    '/devcenter-api-2.0/..%2f..%2f..%2f..%2fetc%2fpasswd',
  ])('18, 47: %s leads nowhere', async (path) => {
    const authorization = basic('admin', suite.adminPassword)
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const answer = await askRaw(suite.url, method, path, { authorization, 'content-length': '0' })
      expect(answer.status, `${method} ${path}: ${answer.text}`).toBeGreaterThanOrEqual(400)
      expect(answer.status, `${method} ${path}: ${answer.text}`).toBeLessThan(500)
      expect(answer.text).not.toMatch(/root:|ENOENT|node_modules/)
    }
  })

  it('15: markup that was stored is data wherever it comes out (CVE-2025-32019)', async () => {
    const description = { description: MARKUP }
    await admin.must(200, 'PUT', '/api/v2.0/projects/closed/repositories/app', description)
    await admin.must(201, 'POST', '/api/v2.0/labels', { name: 'markup', scope: 'g', ...description })
    await admin.must(200, 'PUT', '/api/v2.0/configurations', { banner_message: MARKUP })
    for (const path of [
      '/api/v2.0/projects/closed/repositories/app',
      '/api/v2.0/projects/closed/repositories',
      '/api/v2.0/labels?scope=g',
      '/api/v2.0/systeminfo',
      '/api/v2.0/search?q=closed',
      `/api/v2.0/projects/${encodeURIComponent(MARKUP)}`,
      `/api/v2.0/search?q=${encodeURIComponent(MARKUP)}`,
    ]) {
      const { headers, text } = await admin.get(path)
      expect(headers['content-type'], `${path}: ${text}`).toMatch(/^application\/json/)
      expect(headers['x-content-type-options']).toBe('nosniff')
      expect(headers['content-security-policy']).toContain("default-src 'none'")
    }
    const login = await ask(new URL('/c/oidc/callback?error=x&error_description=%3Cscript%3E', suite.url))
    expect(login.text).not.toContain('<script>')
    await admin.must(200, 'PUT', '/api/v2.0/configurations', { banner_message: '' })
  })

  it.each([
    '//evil.example',
    '\\\\evil.example',
    '/\\evil.example',
    'https://evil.example',
    '/%09/evil.example',
    'javascript:alert(1)',
  ])('11: no login leads to %s (CVE-2024-22244)', async (target) => {
    const query = `redirect_url=${encodeURIComponent(target)}`
    for (const path of ['/c/oidc/login', '/c/oidc/callback', '/c/log_out', '/c/oidc/logout']) {
      const answer = await ask(new URL(`${path}?${query}`, suite.url))
      expect(answer.headers.location ?? '', path).not.toContain('evil')
      expect(answer.headers.location ?? '', path).not.toContain('javascript')
    }
  })

  it('22: a rule for immutable tags counts with all its selectors (GHSA-27f2-qg57-2gwg)', async () => {
    await admin.createProject('kept')
    const select = (decoration: string, pattern: string) => ({ kind: 'doublestar', decoration, pattern })
    await admin.must(201, 'POST', '/api/v2.0/projects/kept/immutabletagrules', {
      action: 'immutable',
      template: 'immutable_template',
      tag_selectors: [select('matches', '{release-*,v*}')],
      scope_selectors: { repository: [select('repoMatches', '{first,second}')] },
    })
    const client = new RegistryClient(suite.url, basic('admin', suite.adminPassword))
    const [one, two] = [
      await makeImage({ name: 'one', layerBytes: [100] }),
      await makeImage({ name: 'two', layerBytes: [100] }),
    ]
    for (const repository of ['kept/first', 'kept/second', 'kept/third']) {
      for (const tag of ['release-1', 'v1', 'other']) {
        await client.pushImage(repository, tag, one)
        const isKept = repository !== 'kept/third' && tag !== 'other'
        for (const blob of [two.config, ...two.layers]) await client.pushBlob(repository, blob)
        const again = await client.putManifest(repository, tag, two)
        expect(again.status, `${repository}:${tag} ${again.text}`).toBe(isKept ? 412 : 201)
      }
    }
  })

  it('44: an anonymous token is for pulling what is public, at the registry, and opens nothing else (CVE-2026-123710)', async () => {
    const scopes = ['repository:closed/app:pull,push,delete', 'registry:catalog:*', 'repository:library/x:push']
    const token = await getToken(suite.url, { scopes })
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
      aud: string
      access: { actions: string[] }[]
    }
    expect(claims.aud).toBe('harbor-registry')
    expect(claims.access.flatMap(({ actions }) => actions).filter((action) => action !== 'pull')).toEqual([])
    const authorization = `Bearer ${token}`
    for (const path of ['/api/v2.0/users', '/api/v2.0/configurations', '/api/berth/v1/logs', '/v2/_catalog']) {
      expect((await ask(new URL(path, suite.url), { headers: { authorization } })).status, path).toBe(401)
    }
    const rotate = await ask(new URL('/api/berth/v1/token/rotate', suite.url), {
      method: 'POST',
      headers: { authorization },
    })
    expect([401, 404]).toContain(rotate.status)
  })

  it('17, 38: no secret that was sent, shown or made stands in a log, an audit line or a table (GHSA-prh4, CVE-2025-48374)', async () => {
    const canary = (name: string): string => `Canary1-${name}-${'x'.repeat(8)}`
    const secrets = ['ldap', 'oidc', 'password', 'changed', 'robot', 'wrong', 'bearer', 'token'].map(canary)
    await admin.must(200, 'PUT', '/api/v2.0/configurations', {
      ldap_search_password: canary('ldap'),
      oidc_client_secret: canary('oidc'),
    })
    const user = { username: 'canary', email: 'canary@example.com', realname: 'c', password: canary('password') }
    const made = await admin.must(201, 'POST', '/api/v2.0/users', user)
    const id = made.headers.location?.split('/').pop()
    const own = new Api(suite.url, { name: 'canary', password: canary('password') })
    await own.must(200, 'PUT', `/api/v2.0/users/${id}/password`, {
      old_password: canary('password'),
      new_password: canary('changed'),
    })
    await new Api(suite.url, { name: 'canary', password: canary('wrong') }).must(401, 'GET', '/api/v2.0/users/current')
    await ask(new URL('/v2/', suite.url), { headers: { authorization: `Bearer ${canary('bearer')}` } })
    const permissions = [{ kind: 'project', namespace: 'closed', access: [{ resource: 'repository', action: 'pull' }] }]
    const body = { name: 'canary', level: 'system', duration: 1, permissions }
    const robot = (await admin.must(201, 'POST', '/api/v2.0/robots', body)).json<{ id: number; secret: string }>()
    await admin.must(200, 'PATCH', `/api/v2.0/robots/${robot.id}`, { secret: canary('robot') })
    await ask(new URL(`/service/token?password=${canary('token')}`, suite.url))
    await admin.must(200, 'GET', '/api/v2.0/configurations')
    const requestId = 'canary-sweep'
    await ask(new URL('/api/v2.0/systeminfo', suite.url), { headers: { 'x-request-id': requestId } })
    await admin.linesOf(requestId, ['gateway', 'core'])
    const found = await run('grep', ['-rlaE', [...secrets, robot.secret].join('|'), suite.data])
    expect([found.code, found.stdout]).toEqual([1, ''])
    const control = await run('grep', ['-rlaE', 'canary-sweep', suite.data])
    expect(control.stdout, 'what is looked for would be found').not.toBe('')
  })

  it('45: who may see robots, users and settings sees no secret of theirs (CVE-2026-18255, CVE-2026-105447)', async () => {
    await admin.addMember('closed', person, ROLE.guest)
    const guest = new Api(suite.url, person)
    const id = (await admin.get('/api/v2.0/projects/closed')).json<{ project_id: number }>().project_id
    const query = encodeURIComponent(`Level=project,ProjectID=${id}`)
    for (const [api, path] of [
      [guest, `/api/v2.0/robots?q=${query}`],
      [admin, '/api/v2.0/robots'],
      [admin, '/api/v2.0/users'],
      [admin, '/api/v2.0/configurations'],
      [admin, '/api/v2.0/auditlog-exts?page_size=100'],
    ] as const) {
      const { text } = await api.must(200, 'GET', path)
      expect(text, path).not.toMatch(
        /"(?:secret|password|salt|password_hash|ldap_search_password|oidc_client_secret)":/,
      )
    }
  })
})
