import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Api, errorsOf, type Person, ROLE } from '../src/api.ts'
import { openDocker } from '../src/clients/docker.ts'
import { type Dockerd, startDockerd } from '../src/clients/dockerd.ts'
import { type Answer, ask, basic } from '../src/http.ts'
import { type Image, makeImage } from '../src/images/image.ts'
import { writeDockerArchive } from '../src/images/on-disk.ts'
import { askToken, getToken, RegistryClient } from '../src/registry-client.ts'
import { openScratch, removeScratch } from '../src/scratch.ts'
import { type Suite, startSuite } from '../src/suite.ts'
import { openTools } from '../tools/install.ts'

interface Claims {
  iss: string
  sub: string
  aud: string
  exp: number
  iat: number
  nbf: number
  jti: string
  access: { type: string; name: string; actions: string[] }[]
}

const part = <T>(token: string, index: number): T =>
  JSON.parse(Buffer.from(token.split('.')[index] ?? '', 'base64url').toString('utf8')) as T

describe('who may do what', () => {
  let home: string
  let suite: Suite
  let admin: Api
  let stranger: Person
  let guest: Person
  let developer: Person
  let image: Image

  beforeAll(async () => {
    home = await openScratch()
    suite = await startSuite()
    admin = Api.admin(suite)
    stranger = await admin.createUser('stella')
    guest = await admin.createUser('gert')
    developer = await admin.createUser('dora')
    await admin.createProject('secret')
    await admin.createProject('open', true)
    await admin.addMember('secret', guest, ROLE.guest)
    for (const project of ['secret', 'open']) await admin.addMember(project, developer, ROLE.developer)
    image = await makeImage({ name: 'who', layerBytes: [5000] })
    const client = new RegistryClient(suite.url, basic(developer.name, developer.password))
    for (const project of ['secret', 'open']) await client.pushImage(`${project}/app`, '1', image)
  })

  afterAll(async () => {
    await suite?.stop()
    await removeScratch(home)
  })

  const get = (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> =>
    ask(new URL(path, suite.url), { headers, method })
  const tokenFor = async (person: Person | undefined, ...scopes: string[]): Promise<string> =>
    getToken(suite.url, { user: person?.name, password: person?.password, scopes })
  const granted = async (person: Person | undefined, ...scopes: string[]): Promise<Claims['access']> =>
    part<Claims>(await tokenFor(person, ...scopes), 1).access.map(({ type, name, actions }) => ({
      type,
      name,
      actions: actions.toSorted(),
    }))
  const client = (person: Person): RegistryClient => new RegistryClient(suite.url, basic(person.name, person.password))
  const startUpload = (authorization: string | undefined, repository: string): Promise<Answer> =>
    get(`/v2/${repository}/blobs/uploads/`, authorization ? { authorization } : {}, 'POST')
  const realm = (): string => `Bearer realm="${suite.url}/service/token",service="harbor-registry"`

  describe('the challenge', () => {
    it('asks for a token at /v2/, and names the API version', async () => {
      const answer = await get('/v2/')
      expect(answer.status).toBe(401)
      expect(answer.headers['docker-distribution-api-version']).toBe('registry/2.0')
      expect(answer.headers['www-authenticate']).toBe(realm())
      expect(errorsOf(answer)[0]?.code).toBe('UNAUTHORIZED')
    })

    it('follows the Host that was asked', async () => {
      const answer = await get('/v2/', { host: 'registry.example.test:8443' })
      expect(answer.headers['www-authenticate']).toContain('realm="http://registry.example.test:8443/service/token"')
    })

    it('names the scope: pull for reads, of a public project too', async () => {
      for (const project of ['secret', 'open', 'unheard-of']) {
        for (const path of [`manifests/1`, `blobs/${image.config.digest}`]) {
          const answer = await get(`/v2/${project}/app/${path}`)
          expect(answer.status, `${project} ${path}`).toBe(401)
          expect(answer.headers['www-authenticate']).toBe(`${realm()},scope="repository:${project}/app:pull"`)
        }
      }
    })

    it('names the scope: pull,push for an upload, and pull on the source of a mount', async () => {
      const upload = await startUpload(undefined, 'secret/app')
      expect(upload.status).toBe(401)
      expect(upload.headers['www-authenticate']).toBe(`${realm()},scope="repository:secret/app:pull,push"`)
      const mount = `/v2/secret/app/blobs/uploads/?mount=${image.config.digest}&from=open/app`
      const mounted = await get(mount, {}, 'POST')
      expect(mounted.status).toBe(401)
      const said = mounted.headers['www-authenticate'] ?? ''
      expect(said).toContain('repository:secret/app:pull,push')
      expect(said).toContain('repository:open/app:pull')
    })

    it('is Basic for the catalog, and for whoever sent a credential already', async () => {
      const catalog = await get('/v2/_catalog')
      const wrong = await get('/v2/secret/app/manifests/1', { authorization: basic(guest.name, 'Wrong-password-1') })
      for (const answer of [catalog, wrong]) {
        expect(answer.status).toBe(401)
        expect(answer.headers['www-authenticate']).toBe('Basic realm="harbor"')
        expect(errorsOf(answer)[0]?.code).toBe('UNAUTHORIZED')
      }
    })
  })

  describe('the token', () => {
    it('is answered with its lifetime, signed RS256, for us alone', async () => {
      const wish = { user: developer.name, password: developer.password, scopes: ['repository:secret/app:pull,push'] }
      const answer = await askToken(suite.url, wish)
      expect(answer.status).toBe(200)
      const body = answer.json<{ token: string; access_token: string; expires_in: number; issued_at: string }>()
      expect(body.access_token).toBe(body.token)
      expect(body.expires_in).toBe(1800)
      expect(Date.parse(body.issued_at)).not.toBeNaN()
      expect(part<{ alg: string; kid: string }>(body.token, 0)).toMatchObject({ alg: 'RS256', kid: expect.any(String) })
      const claims = part<Claims>(body.token, 1)
      expect(claims).toMatchObject({ iss: 'harbor-token-issuer', sub: developer.name, aud: 'harbor-registry' })
      expect(claims.exp - claims.iat).toBe(1800)
      expect(claims.jti).not.toBe('')
    })

    it('grants what is asked and allowed', async () => {
      const scope = 'repository:secret/app:pull,push'
      const access = (name: string, ...actions: string[]): Claims['access'] => [{ type: 'repository', name, actions }]
      expect(await granted(developer, scope)).toEqual(access('secret/app', 'pull', 'push'))
      expect(await granted(developer, 'repository:secret/app:pull')).toEqual(access('secret/app', 'pull'))
      expect(await granted(guest, scope)).toEqual(access('secret/app', 'pull'))
      expect(await granted(stranger, scope)).toEqual(access('secret/app'))
      expect(await granted(undefined, scope)).toEqual(access('secret/app'))
      expect(await granted(undefined, 'repository:open/app:pull,push')).toEqual(access('open/app', 'pull'))
      expect(await granted(stranger, 'repository:open/app:pull,push')).toEqual(access('open/app', 'pull'))
      expect(await granted(developer, 'repository:unheard-of/app:pull,push')).toEqual(access('unheard-of/app'))
    })

    it('takes scopes repeated and scopes in one list', async () => {
      const one = 'repository:secret/app:pull'
      const two = 'repository:open/app:pull'
      const expected = ['secret/app', 'open/app'].map((name) => ({ type: 'repository', name, actions: ['pull'] }))
      expect(await granted(guest, one, two)).toEqual(expected)
      expect(await granted(guest, `${one} ${two}`)).toEqual(expected)
    })

    it('is refused to wrong passwords, to nobody without a scope, and for another service', async () => {
      const wrong = await askToken(suite.url, { user: guest.name, password: 'Wrong-password-1' })
      const unknown = await askToken(suite.url, { user: 'nobody-here', password: 'Wrong-password-1' })
      const nobody = await askToken(suite.url, {})
      for (const answer of [wrong, unknown, nobody]) {
        expect(answer.status).toBe(401)
        expect(errorsOf(answer)[0]?.code).toBe('UNAUTHORIZED')
      }
      expect(wrong.text.replace(/"requestId":"[^"]*"/, '')).toBe(unknown.text.replace(/"requestId":"[^"]*"/, ''))
      const other = await get('/service/token?service=another&scope=repository:open/app:pull')
      expect(other.status).toBe(400)
      expect((await get('/service/token?service=harbor-registry', {}, 'POST')).status).toBe(405)
    })

    it('of nobody pulls from a public project, and does not push', async () => {
      const authorization = `Bearer ${await tokenFor(undefined, 'repository:open/app:pull,push')}`
      const anonymous = new RegistryClient(suite.url, authorization)
      expect((await anonymous.pullImage('open/app', '1')).digest).toBe(image.manifest.digest)
      const push = await startUpload(authorization, 'open/app')
      expect(push.status).toBe(401)
      expect(push.text).toContain('unauthorized to access repository: open/app, action: push')
    })

    it('of one repository opens no other', async () => {
      const authorization = `Bearer ${await tokenFor(developer, 'repository:open/app:pull')}`
      const answer = await get('/v2/secret/app/manifests/1', { authorization })
      expect(answer.status).toBe(401)
      expect(errorsOf(answer)[0]?.message).toContain('unauthorized to access repository: secret/app, action: pull')
    })
  })

  describe('a private project', () => {
    it('is closed to a stranger, with a token and with a password', async () => {
      const bearer = `Bearer ${await tokenFor(stranger, 'repository:secret/app:pull,push')}`
      for (const authorization of [bearer, basic(stranger.name, stranger.password)]) {
        const pull = await get('/v2/secret/app/manifests/1', { authorization })
        const push = await startUpload(authorization, 'secret/app')
        for (const [answer, action] of [
          [pull, 'pull'],
          [push, 'push'],
        ] as const) {
          expect(answer.status, action).toBe(401)
          expect(errorsOf(answer)[0]).toMatchObject({
            code: 'UNAUTHORIZED',
            message: expect.stringContaining(`unauthorized to access repository: secret/app, action: ${action}`),
          })
        }
      }
    })

    it('lets a guest pull and not push', async () => {
      expect((await client(guest).pullImage('secret/app', '1')).digest).toBe(image.manifest.digest)
      const bearer = `Bearer ${await tokenFor(guest, 'repository:secret/app:pull,push')}`
      expect((await new RegistryClient(suite.url, bearer).pullImage('secret/app', '1')).sizeBytes).toBeGreaterThan(5000)
      for (const authorization of [bearer, basic(guest.name, guest.password)]) {
        const push = await startUpload(authorization, 'secret/app')
        expect(push.status).toBe(401)
        expect(push.text).toContain('action: push: unauthorized to access repository')
      }
    })

    it('lets a developer push and pull, with a token and with a password', async () => {
      const other = await makeImage({ name: 'who-else', layerBytes: [700] })
      const bearer = `Bearer ${await tokenFor(developer, 'repository:secret/more:pull,push')}`
      await new RegistryClient(suite.url, bearer).pushImage('secret/more', 'bearer', other)
      await client(developer).pushImage('secret/more', 'basic', other)
      for (const tag of ['bearer', 'basic']) {
        expect((await client(developer).pullImage('secret/more', tag)).digest).toBe(other.manifest.digest)
      }
    })

    it('looks to nobody and to a stranger as a project that does not exist', async () => {
      const path = '/api/v2.0/projects/secret'
      expect((await new Api(suite.url).get(path)).status).toBe(401)
      expect((await new Api(suite.url, stranger).get(path)).status).toBe(403)
      expect((await new Api(suite.url, guest).get(path)).status).toBe(200)
      expect((await admin.get(path)).status).toBe(200)
      const unknown = '/api/v2.0/projects/unheard-of'
      expect((await new Api(suite.url).get(unknown)).status).toBe(401)
      expect((await new Api(suite.url, stranger).get(unknown)).status).toBe(403)
      expect((await admin.get(unknown)).status).toBe(404)
    })

    it('is listed to its members only', async () => {
      const names = async (api: Api): Promise<string[]> => {
        const answer = await api.get('/api/v2.0/projects?page_size=100')
        expect(answer.status).toBe(200)
        return answer
          .json<{ name: string }[]>()
          .map((project) => project.name)
          .toSorted()
      }
      expect(await names(new Api(suite.url))).toEqual(['library', 'open'])
      expect(await names(new Api(suite.url, stranger))).toEqual(['library', 'open'])
      expect(await names(new Api(suite.url, guest))).toEqual(['library', 'open', 'secret'])
    })
  })

  it('a token from before a membership ended, or a project was closed to the public, is no good after it', async () => {
    await admin.createProject('brief', true)
    const seat = await admin.addMember('brief', developer, ROLE.developer)
    await client(developer).pushImage('brief/app', '1', image)
    const scope = 'repository:brief/app:pull,push'
    const member = { authorization: `Bearer ${await tokenFor(developer, scope)}` }
    const nobody = { authorization: `Bearer ${await tokenFor(undefined, scope)}` }
    const pull = (headers: Record<string, string>): Promise<Answer> => get('/v2/brief/app/manifests/1', headers)
    expect((await pull(member)).status).toBe(200)
    expect((await pull(nobody)).status).toBe(200)
    await admin.must(200, 'PUT', '/api/v2.0/projects/brief', { metadata: { public: 'false' } })
    expect((await pull(nobody)).status).toBe(401)
    const again = { authorization: `Bearer ${await tokenFor(developer, scope)}` }
    expect((await pull(again)).status).toBe(200)
    await admin.must(200, 'DELETE', seat)
    expect((await pull(again)).status).toBe(401)
  })

  it('docker tells a guest and a stranger what they may not do, and pulls from a public project without login', async () => {
    const tools = await openTools()
    let dockerd: Dockerd | undefined
    try {
      dockerd = await startDockerd(tools)
      const nobody = await openDocker(tools, dockerd, join(home, 'nobody'))
      const open = await nobody('pull', `${suite.host}/open/app:1`)
      expect(open.code, open.output).toBe(0)
      const mine = await makeImage({ name: 'mine', layerBytes: [400] })
      const tag = `${suite.host}/secret/mine:1`
      await nobody('load', '-i', await writeDockerArchive(join(home, 'mine.tar'), mine, [tag]))
      const asGuest = await openDocker(tools, dockerd, join(home, 'guest'))
      await asGuest.login(suite.host, guest.name, guest.password)
      const pulled = await asGuest('pull', `${suite.host}/secret/app:1`)
      expect(pulled.code, pulled.output).toBe(0)
      const pushed = await asGuest('push', tag)
      expect(pushed.code).not.toBe(0)
      expect(pushed.output).toContain('unauthorized to access repository: secret/mine, action: push')
      await asGuest('rmi', `${suite.host}/secret/app:1`)
      const asStranger = await openDocker(tools, dockerd, join(home, 'stranger'))
      await asStranger.login(suite.host, stranger.name, stranger.password)
      const refused = await asStranger('pull', `${suite.host}/secret/app:1`)
      expect(refused.code).not.toBe(0)
      expect(refused.output).toContain('unauthorized to access repository: secret/app, action: pull')
    } finally {
      await dockerd?.stop()
    }
  })
})
