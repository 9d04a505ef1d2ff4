import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Api, type Person, ROLE } from '../src/api.ts'
import { ask, basic } from '../src/http.ts'
import { type Blob, blobOf, noiseBlob } from '../src/images/blob.ts'
import { type Image, makeImage } from '../src/images/image.ts'
import { askRaw } from '../src/raw.ts'
import { askToken, getToken, RegistryClient } from '../src/registry-client.ts'
import { type Suite, startSuite } from '../src/suite.ts'

const OCTETS = { 'content-type': 'application/octet-stream' }

// Holes that were found in /v2 of other registries; the numbers are those of their advisories.
describe('holes other registries had', () => {
  let suite: Suite
  let admin: Api
  let owner: Person
  let colleague: Person
  let stranger: Person
  let secret: Image
  let layer: Blob

  beforeAll(async () => {
    suite = await startSuite()
    admin = Api.admin(suite)
    owner = await admin.createUser('owner')
    colleague = await admin.createUser('colleague')
    stranger = await admin.createUser('stranger')
    for (const name of ['closed', 'own']) await admin.createProject(name)
    await admin.addMember('closed', owner, ROLE.maintainer)
    await admin.addMember('closed', colleague, ROLE.developer)
    await admin.addMember('own', stranger, ROLE.maintainer)
    secret = await makeImage({ name: 'secret', layerBytes: [50_000] })
    ;[layer] = secret.layers as [Blob]
    await (await as(owner, ['closed/app'])).pushImage('closed/app', '1', secret)
  })

  afterAll(() => suite?.stop())

  const as = async (
    person: Person,
    names: readonly string[],
    actions = 'pull,push,delete',
  ): Promise<RegistryClient> => {
    const scopes = names.map((name) => `repository:${name}:${actions}`)
    return new RegistryClient(
      suite.url,
      `Bearer ${await getToken(suite.url, { user: person.name, password: person.password, scopes })}`,
    )
  }
  const status = async (client: RegistryClient, method: string, repository: string, rest: string): Promise<number> =>
    (await ask(client.url(repository, rest), { method, headers: client.headers() })).status

  it.each([
    '/v2/_catalog',
    '/v2/_catalog/',
    '//v2/_catalog',
    '/v2//_catalog',
    '/v2/./_catalog',
    '/v2/x/../_catalog',
    '/v2/%5fcatalog',
    '/v2/%5Fcatalog',
    '/V2/_catalog',
    '/v2/_CATALOG',
    '/v2/_catalog;x=1',
    '/v2/_catalog%00',
    '/v2/_catalog?n=5',
    '/v2%2f_catalog',
  ])('no stranger reads the catalog as %s (CVE-2020-29662)', async (path) => {
    const answer = await askRaw(suite.url, 'GET', path)
    expect(answer.status).toBeGreaterThanOrEqual(300)
    expect(answer.status).toBeLessThan(500)
    expect(answer.text).not.toContain('closed/app')
  })

  it.each([
    '/v2/%2e%2e/%2e%2e/etc/passwd/manifests/latest',
    '/v2/closed/app/../../../../etc/passwd',
    '/v2/closed%2f..%2f..%2fetc/manifests/1',
    '/v2/closed/app/manifests/..%2f..%2f..%2fetc%2fpasswd',
    '/v2/closed/app/manifests/%252e%252e%252fetc%252fpasswd',
    '/v2/closed/app/manifests/..%5c..%5cetc',
    '/v2/closed/app/blobs/sha256:..%2f..%2f..%2fetc%2fpasswd',
    '/v2/closed/app/blobs/sha256:%2e%2e%2f%2e%2e',
    '/v2/closed/app/blobs/../../../etc/passwd',
    '/v2/closed/app/blobs/uploads/..%2f..%2f..%2fetc%2fpasswd',
    '/v2/closed/app/blobs/uploads/%c0%ae%c0%ae%c0%af',
    '/v2/closed/app/blobs/uploads/../../../../etc/passwd',
    '/v2/closed/app/tags/list/../../../../../etc/passwd',
    '/v2/closed/app/referrers/..%2f..',
  ])('%s leads nowhere (GHSA-qj39-pjf2-wmrc)', async (path) => {
    const authorization = basic('admin', suite.adminPassword)
    for (const method of ['GET', 'HEAD', 'DELETE', 'PATCH', 'PUT']) {
      const answer = await askRaw(suite.url, method, path, { authorization, 'content-length': '0' })
      expect(answer.status, `${method} ${path}`).toBeGreaterThanOrEqual(400)
      expect(answer.status, `${method} ${path}: ${answer.text}`).toBeLessThan(500)
      expect(answer.text).not.toMatch(/root:|ENOENT|node_modules/)
    }
  })

  it('a blob is seen through the repositories that have it and no others (CVE-2024-39897, CVE-2026-35172)', async () => {
    const theirs = await as(stranger, ['own/app', 'own/second'])
    expect(await status(theirs, 'GET', 'own/app', `blobs/${layer.digest}`)).toBe(404)
    expect(await status(theirs, 'GET', 'closed/app', `blobs/${layer.digest}`)).toBe(401)
    const blob = await noiseBlob(3000, 'shared by two')
    for (const name of ['own/app', 'own/second']) await theirs.pushBlob(name, blob)
    expect(await status(theirs, 'DELETE', 'own/app', `blobs/${blob.digest}`)).toBe(202)
    expect(await status(theirs, 'GET', 'own/app', `blobs/${blob.digest}`)).toBe(404)
    expect(await status(theirs, 'GET', 'own/second', `blobs/${blob.digest}`)).toBe(200)
  })

  it('a mount from what the caller may not read looks like one of nothing (#23270)', async () => {
    const theirs = await as(stranger, ['own/app', 'closed/app'])
    const ownToken = await as(stranger, ['own/app'])
    for (const client of [theirs, ownToken]) {
      for (const digest of [layer.digest, `sha256:${'0'.repeat(64)}`]) {
        const url = client.url('own/app', `blobs/uploads/?mount=${digest}&from=closed/app`)
        const answer = await ask(url, { method: 'POST', headers: client.headers({ 'content-length': '0' }) })
        expect(answer.status, digest).toBe(202)
      }
      expect(await status(client, 'HEAD', 'own/app', `blobs/${layer.digest}`)).toBe(404)
    }
  })

  it('who names the digest of a blob must bring its bytes', async () => {
    const theirs = await as(stranger, ['own/app'])
    const target = await theirs.openUpload('own/app')
    target.searchParams.set('digest', layer.digest)
    const put = await ask(target, { method: 'PUT', headers: theirs.headers({ 'content-length': '0' }) })
    expect(put.status).toBe(400)
    expect(await status(theirs, 'HEAD', 'own/app', `blobs/${layer.digest}`)).toBe(404)
  })

  it('an upload belongs to its repository and to who opened it (CVE-2026-32589)', async () => {
    const mine = await as(owner, ['closed/app', 'closed/other'])
    const session = await mine.openUpload('closed/app')
    const whole = blobOf(Buffer.from('of the owner'))
    const send = (client: RegistryClient, target: URL): Promise<number> =>
      ask(target, { method: 'PATCH', headers: client.headers(OCTETS), body: Buffer.from('of the owner') }).then(
        (answer) => answer.status,
      )
    const moved = new URL(session.href.replace('closed/app', 'closed/other'))
    expect(await send(mine, moved)).toBe(404)
    expect(await send(await as(stranger, ['own/app']), new URL(session.href.replace('closed/app', 'own/app')))).toBe(
      404,
    )
    expect(await send(await as(stranger, ['own/app']), session)).toBe(401)
    const theirs = await as(colleague, ['closed/app'], 'pull,push')
    expect(await send(theirs, session)).toBe(404)
    expect((await ask(session, { method: 'DELETE', headers: theirs.headers() })).status).toBe(404)
    session.searchParams.set('digest', whole.digest)
    const put = await ask(session, { method: 'PUT', headers: mine.headers(OCTETS), body: Buffer.from('of the owner') })
    expect(put.status, put.text).toBe(201)
  })

  it('a token to push deletes nothing, and one to pull pushes nothing (CVE-2026-61833)', async () => {
    const pusher = await as(owner, ['closed/app'], 'pull,push')
    for (const rest of ['manifests/1', `manifests/${secret.manifest.digest}`, `blobs/${layer.digest}`])
      expect(await status(pusher, 'DELETE', 'closed/app', rest)).toBe(401)
    const puller = await as(owner, ['closed/app'], 'pull')
    expect((await puller.putManifest('closed/app', '2', secret)).status).toBe(401)
    expect((await pusher.getManifest('closed/app', '1')).status).toBe(200)
  })

  it('a token of a project is nothing to one made again under its name (#22900)', async () => {
    await admin.createProject('again')
    const before = await as({ name: 'admin', password: suite.adminPassword }, ['again/app'])
    await before.pushBlob('again/app', blobOf(Buffer.from('before')))
    await admin.must(200, 'DELETE', '/api/v2.0/projects/again')
    await admin.createProject('again')
    const { digest } = blobOf(Buffer.from('before'))
    expect(await status(before, 'HEAD', 'again/app', `blobs/${digest}`)).toBe(401)
    const after = await as({ name: 'admin', password: suite.adminPassword }, ['again/app'])
    expect(await status(after, 'HEAD', 'again/app', `blobs/${digest}`)).toBe(404)
  })

  it('no header of a client opens what a policy closes (GHSA-wrw5-gmvj-gf23)', async () => {
    await admin.createProject('trusted', true)
    const pusher = await as({ name: 'admin', password: suite.adminPassword }, ['trusted/app'])
    await pusher.pushImage('trusted/app', '1', secret)
    const metadata = { enable_content_trust_cosign: 'true' }
    await admin.must(200, 'PUT', '/api/v2.0/projects/trusted', { metadata })
    for (const agent of [
      'docker/28',
      'cosign/2.5',
      'Trivy',
      'harbor-scanner-trivy',
      'harbor-registry-client',
      'notation/1.3',
    ]) {
      const answer = await pusher.getManifest('trusted/app', '1', { 'user-agent': agent })
      expect(answer.status, `${agent}: ${answer.text}`).toBe(412)
    }
  })

  it('what is too much is refused, and nobody waits for it (CVE-2017-11468, CVE-2023-2253)', async () => {
    const authorization = basic('admin', suite.adminPassword)
    const url = (path: string): string => new URL(path, suite.url).href
    const many = await ask(url('/v2/_catalog?n=1000000000'), { headers: { authorization } })
    expect(many.status).toBeLessThan(500)
    const scopes = Array.from({ length: 1000 }, (_, n) => `repository:closed/app-${n}:pull`)
    const tokens = await askToken(suite.url, { user: owner.name, password: owner.password, scopes })
    expect(tokens.status).toBeGreaterThanOrEqual(400)
    expect(tokens.status).toBeLessThan(500)
    const long = await askRaw(suite.url, 'GET', '/v2/', { authorization: `Bearer ${'a'.repeat(65_536)}` })
    expect(long.status).toBeGreaterThanOrEqual(400)
    expect(long.status).toBeLessThan(500)
    expect((await admin.get('/api/v2.0/health')).status).toBe(200)
  })
})
