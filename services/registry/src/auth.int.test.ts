import { sha256, someBytes, someImage } from '@berth/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { codeOf, RegistryClient } from './testing/registry-client.ts'
import { accessTo } from './testing/test-tokens.ts'
import { openWorld, type Replica, testProject, type World } from './testing/test-world.ts'

let world: World
let replica: Replica

beforeAll(async () => {
  world = await openWorld()
  replica = await world.startReplica()
})
afterAll(() => world?.stop())
beforeEach(() => {
  world.core.grants = 0
})

const image = someImage()
const denied = (name: string, action: string) =>
  `unauthorized to access repository: ${name}, action: ${action}: unauthorized to access repository: ${name}, action: ${action}`

function as(authorization: string | undefined, name = 'library/app'): RegistryClient {
  return new RegistryClient(replica.url, name, authorization)
}
const withToken = (name: string, actions: string[], of?: { project?: number; rev?: number }) =>
  as(`Bearer ${world.tokenFor(name, actions, of)}`, name)
const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

async function messageOf(response: Response): Promise<string> {
  return ((await response.json()) as { errors: { message: string }[] }).errors[0]?.message ?? ''
}

describe('without credentials', () => {
  const realm = () => `Bearer realm="${replica.url}/service/token",service="harbor-registry"`

  it('is sent to the token service with the scope the request needs', async () => {
    const cases: [string, string, string][] = [
      ['GET', 'manifests/latest', 'repository:library/app:pull'],
      ['HEAD', 'manifests/latest', 'repository:library/app:pull'],
      ['PUT', 'manifests/latest', 'repository:library/app:pull,push'],
      ['DELETE', 'manifests/latest', 'repository:library/app:delete'],
      ['GET', `blobs/${sha256('x')}`, 'repository:library/app:pull'],
      ['GET', 'tags/list', 'repository:library/app:pull'],
      ['POST', 'blobs/uploads/', 'repository:library/app:pull,push'],
      [
        'POST',
        `blobs/uploads/?mount=${sha256('x')}&from=library/base`,
        'repository:library/app:pull,push repository:library/base:pull',
      ],
    ]
    for (const [method, path, scope] of cases) {
      const answered = await as(undefined).fetch(path, { method })
      expect(answered.status).toBe(401)
      expect(answered.headers.get('www-authenticate')).toBe(`${realm()},scope="${scope}"`)
      expect(answered.headers.get('docker-distribution-api-version')).toBe('registry/2.0')
    }
    const refused = await as(undefined).fetch('manifests/latest')
    expect(await refused.json()).toEqual({
      errors: [{ code: 'UNAUTHORIZED', message: denied('library/app', 'pull') }],
    })
  })

  it('is challenged at the base without a scope', async () => {
    for (const path of ['/v2/', '/v2']) {
      const answered = await fetch(`${replica.url}${path}`)
      expect(answered.status).toBe(401)
      expect(answered.headers.get('www-authenticate')).toBe(realm())
    }
  })

  it('is told the realm by the name the client used, as the gateway passes it on', async () => {
    const answered = await fetch(`${replica.url}/v2/`, {
      headers: { 'x-forwarded-host': 'registry.example:8443', 'x-forwarded-proto': 'https' },
    })
    expect(answered.headers.get('www-authenticate')).toContain('realm="https://registry.example:8443/service/token"')
    const strange = await fetch(`${replica.url}/v2/`, { headers: { 'x-forwarded-host': 'a"b' } })
    expect(strange.status).toBe(400)
  })

  it('learns nothing from other ways to write the catalog', async () => {
    for (const path of [
      '/v2/_catalog',
      '/v2/_catalog/',
      '/v2//_catalog',
      '/v2/%5Fcatalog',
      '/v2/./_catalog',
      '/V2/_catalog',
    ]) {
      const answered = await fetch(`${replica.url}${path}`)
      expect([path, answered.status]).toEqual([path, 401])
    }
    const catalog = await fetch(`${replica.url}/v2/_catalog`)
    expect(catalog.headers.get('www-authenticate')).toBe('Basic realm="harbor"')
  })

  it('is refused a name without a project', async () => {
    const answered = await fetch(`${replica.url}/v2/nginx/manifests/latest`)
    expect(answered.status).toBe(400)
    expect(await codeOf(answered)).toBe('NAME_INVALID')
  })
})

describe('with a token', () => {
  it('gets through the base, unless it is nobody', async () => {
    const base = (token: string) => fetch(`${replica.url}/v2/`, { headers: { authorization: `Bearer ${token}` } })
    expect((await base(world.token())).status).toBe(200)
    expect((await base(world.token({ who: null }))).status).toBe(401)
  })

  it('may do what the token says and nothing else', async () => {
    expect((await withToken('library/app', ['pull', 'push']).pushImage(image, '1')).status).toBe(201)
    const puller = withToken('library/app', ['pull'])
    expect((await puller.fetch('manifests/1')).status).toBe(200)
    const refusals: [RegistryClient, string, string, string][] = [
      [puller, 'POST', 'blobs/uploads/', 'push'],
      [puller, 'PUT', 'manifests/2', 'push'],
      [puller, 'DELETE', 'manifests/1', 'delete'],
      [withToken('library/app', ['pull', 'push']), 'DELETE', `manifests/${image.digest}`, 'delete'],
      [withToken('library/app', ['pull', 'push']), 'DELETE', `blobs/${sha256(image.config)}`, 'delete'],
      [withToken('library/app', []), 'GET', 'manifests/1', 'pull'],
    ]
    for (const [client, method, path, action] of refusals) {
      const answered = await client.fetch(path, { method })
      expect([path, answered.status]).toEqual([path, 401])
      expect(answered.headers.get('www-authenticate')).toBe('Basic realm="harbor"')
      expect(await messageOf(answered)).toBe(denied('library/app', action))
    }
  })

  it('cannot use what was granted for one repository on another', async () => {
    const answered = await as(`Bearer ${world.tokenFor('library/ap')}`).fetch('manifests/1')
    expect(answered.status).toBe(401)
    const capital = await as(`Bearer ${world.tokenFor('library/APP')}`).fetch('manifests/1')
    expect(capital.status).toBe(401)
  })

  it('is sent for another one when the token is old or of another project', async () => {
    const stale: RegistryClient[] = [
      withToken('library/app', ['pull', 'push', 'delete'], { rev: 0 }),
      withToken('library/app', ['pull', 'push', 'delete'], { project: 7 }),
    ]
    for (const client of stale) {
      for (const [method, path] of [
        ['GET', 'manifests/1'],
        ['GET', `blobs/${sha256(image.config)}`],
        ['GET', 'tags/list'],
        ['POST', 'blobs/uploads/'],
        ['DELETE', 'manifests/1'],
        ['GET', `referrers/${image.digest}`],
      ] as const) {
        const answered = await client.fetch(path, { method })
        expect([path, answered.status]).toEqual([path, 401])
        expect(answered.headers.get('www-authenticate')).toMatch(/^Bearer .*,error="invalid_token"$/)
      }
      expect((await client.putManifest('2', image.manifest)).status).toBe(401)
    }
  })

  it('is refused when an entry names no project', async () => {
    const { project: _project, rev: _rev, ...entry } = accessTo('library/app', ['pull'])
    const answered = await as(`Bearer ${world.token({ access: [entry] })}`).fetch('manifests/1')
    expect(answered.status).toBe(401)
  })

  it('is refused for anything wrong with the token', async () => {
    const access = [accessTo('library/app', ['pull'])]
    const past = Math.floor(Date.now() / 1000) - 4_000
    const tokens = [
      world.token({ access, claims: { aud: 'berth' } }),
      world.token({ access, claims: { iss: 'somebody' } }),
      world.token({ access, claims: { iat: past, nbf: past, exp: past + 100 } }),
      world.token({ access, claims: { iat: undefined } }),
      `${world.token({ access })}x`,
      'not.a.token',
    ]
    for (const token of tokens) {
      const answered = await as(`Bearer ${token}`).fetch('manifests/1')
      expect(answered.status).toBe(401)
      expect(answered.headers.get('www-authenticate')).toContain('error="invalid_token"')
    }
    expect((await as('Digest abc').fetch('manifests/1')).status).toBe(401)
  })

  it('may not see into an upload of somebody else, nor from another repository', async () => {
    const location = await withToken('library/app', ['push']).startUpload()
    const stranger = as(
      `Bearer ${world.token({ access: [accessTo('library/app', ['push'])], who: { kind: 'robot', id: 3 } })}`,
    )
    for (const method of ['GET', 'PATCH', 'PUT', 'DELETE']) {
      const answered = await stranger.fetch(`${location}${method === 'PUT' ? `?digest=${sha256('')}` : ''}`, { method })
      expect([method, answered.status]).toEqual([method, 404])
    }
    const elsewhere = withToken('library/other', ['push'])
    expect((await elsewhere.fetch(location.replace('library/app', 'library/other'))).status).toBe(404)
    expect((await withToken('library/app', ['push']).fetch(location)).status).toBe(204)
  })
})

describe('with basic credentials', () => {
  it('may pull and push on every path', async () => {
    const alice = as(basic('alice', 'secret'))
    expect((await alice.pushImage(image, 'basic')).status).toBe(201)
    expect((await alice.fetch('manifests/basic')).status).toBe(200)
    const base = await fetch(`${replica.url}/v2/`, { headers: { authorization: basic('alice', 'secret') } })
    expect(base.status).toBe(200)
  })

  it('asks core again only after a while, and never remembers a refusal', async () => {
    const alice = as(basic('alice', 'secret'), 'library/basic')
    for (let i = 0; i < 5; i++) await alice.fetch('manifests/none')
    expect(world.core.grants).toBe(1)
    world.core.grants = 0
    for (let i = 0; i < 3; i++) {
      const refused = await as(basic('alice', 'wrong')).fetch('manifests/basic')
      expect(refused.status).toBe(401)
      expect(refused.headers.get('www-authenticate')).toBe('Basic realm="harbor"')
      expect(refused.headers.get('x-berth-credentials')).toBe('bad')
      expect(await messageOf(refused)).toBe(denied('library/app', 'pull'))
    }
    expect(world.core.grants).toBe(3)
  })

  it('tells the gateway that right credentials were refused for what they may not do', async () => {
    const refused = await as(basic('alice', 'secret'), 'nowhere/app').fetch('manifests/1')
    expect(refused.status).toBe(401)
    expect(refused.headers.get('x-berth-credentials')).toBe('good')
  })

  it('is refused what cannot be read', async () => {
    for (const header of ['Basic', 'Basic !!!', `Basic ${Buffer.from('nocolon').toString('base64')}`, 'Basic =']) {
      expect((await as(header).fetch('manifests/1')).status).toBe(401)
    }
  })
})

describe('a project core has not put here', () => {
  it('is asked for once and then known', async () => {
    world.core.projects.set('fresh', testProject({ id: 20, name: 'fresh' }))
    world.core.resolves = 0
    const fresh = withToken('fresh/app', ['pull', 'push'], { project: 20 })
    expect((await fresh.pushImage(image, '1')).status).toBe(201)
    expect(world.core.resolves).toBe(1)
  })

  it('is unknown when core does not know it either', async () => {
    world.core.resolves = 0
    const nowhere = withToken('nowhere/app', ['pull', 'push'], { project: 99 })
    for (let i = 0; i < 3; i++) {
      const answered = await nowhere.fetch('manifests/1')
      expect(answered.status).toBe(404)
      expect(await codeOf(answered)).toBe('NAME_UNKNOWN')
    }
    expect(world.core.resolves).toBe(1)
  })
})

describe('a mount', () => {
  const blob = someBytes(100)
  const mount = (client: RegistryClient, from: string, digest = sha256(blob)) =>
    client.fetch(`blobs/uploads/?mount=${digest}&from=${from}`, { method: 'POST' })

  it('needs pull on the other repository, and answers like a missing blob without it', async () => {
    expect((await withToken('library/source', ['push']).postBlob(blob)).status).toBe(201)
    const target = (from?: string[]) =>
      as(
        `Bearer ${world.token({
          access: [
            accessTo('library/target', ['pull', 'push']),
            ...(from ? [accessTo('library/source', from), accessTo('library/empty', from)] : []),
          ],
        })}`,
        'library/target',
      )
    const shape = async (answered: Response) => ({
      status: answered.status,
      headers: [...answered.headers.keys()].sort(),
      body: await answered.text(),
    })
    const refused = await shape(await mount(target(), 'library/source'))
    const pushOnly = await shape(await mount(target(['push']), 'library/source'))
    const missing = await shape(await mount(target(['pull']), 'library/empty'))
    expect(refused.status).toBe(202)
    expect(refused).toEqual(missing)
    expect(pushOnly).toEqual(missing)
    expect((await target().fetch(`blobs/${sha256(blob)}`)).status).toBe(404)

    const mounted = await mount(target(['pull']), 'library/source')
    expect(mounted.status).toBe(201)
    expect(mounted.headers.get('docker-content-digest')).toBe(sha256(blob))
    const got = await target().fetch(mounted.headers.get('location') ?? '')
    expect(Buffer.from(await got.arrayBuffer())).toEqual(blob)
  })

  it('is none without the repository to mount from', async () => {
    const target = withToken('library/target2', ['pull', 'push'])
    expect((await target.fetch(`blobs/uploads/?mount=${sha256(blob)}`, { method: 'POST' })).status).toBe(202)
    expect((await mount(target, 'UPPER')).status).toBe(202)
    expect((await mount(target, 'library/source', 'sha256:nonsense')).status).toBe(400)
  })

  it('is refused by a token that is old for the other project', async () => {
    const old = as(
      `Bearer ${world.token({
        access: [accessTo('library/target3', ['pull', 'push']), accessTo('library/source', ['pull'], { rev: 0 })],
      })}`,
      'library/target3',
    )
    expect((await mount(old, 'library/source')).status).toBe(202)
  })
})
