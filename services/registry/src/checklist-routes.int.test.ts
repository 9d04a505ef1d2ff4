import { sha256, someImage } from '@berth/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { codeOf, RegistryClient } from './testing/registry-client.ts'
import { accessTo } from './testing/test-tokens.ts'
import { openWorld, type Replica, type World } from './testing/test-world.ts'

let world: World
let replica: Replica

beforeAll(async () => {
  world = await openWorld()
  replica = await world.startReplica()
})
afterAll(() => world?.stop())

const client = (name = 'library/list', actions?: string[], at = replica) =>
  new RegistryClient(at.url, name, `Bearer ${world.tokenFor(name, actions)}`)
const bytesOf = async (answered: Response) => Buffer.from(await answered.arrayBuffer())

describe('every route', () => {
  it('answers HEAD as it answers GET, without the body', async () => {
    const app = client('library/head')
    const image = someImage()
    await app.pushImage(image, '1')
    const session = await app.startUpload()
    for (const path of [
      'manifests/1',
      `manifests/${image.digest}`,
      `blobs/${sha256(image.config)}`,
      'tags/list',
      `referrers/${image.digest}`,
      session,
      'manifests/none',
      `blobs/${sha256('none')}`,
    ]) {
      const [got, head] = [await app.fetch(path), await app.fetch(path, { method: 'HEAD' })]
      expect([path, head.status]).toEqual([path, got.status])
      expect([path, head.headers.get('content-length')]).toEqual([path, got.headers.get('content-length')])
      expect([path, head.headers.get('content-type')]).toEqual([path, got.headers.get('content-type')])
      expect((await bytesOf(head)).length).toBe(0)
    }
  })

  it('refuses other methods with 405 and says which it knows', async () => {
    const app = client('library/methods')
    const session = await app.startUpload()
    const routes: [string, string[]][] = [
      [`${replica.url}/v2/`, ['GET', 'HEAD']],
      ['manifests/1', ['GET', 'HEAD', 'PUT', 'DELETE']],
      [`blobs/${sha256('x')}`, ['GET', 'HEAD', 'DELETE']],
      ['blobs/uploads/', ['POST']],
      [session, ['GET', 'HEAD', 'PATCH', 'PUT', 'DELETE']],
      ['tags/list', ['GET', 'HEAD']],
      [`referrers/${sha256('x')}`, ['GET', 'HEAD']],
    ]
    for (const [path, known] of routes) {
      for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
        if (known.includes(method)) continue
        const answered = await app.fetch(path, { method })
        expect([path, method, answered.status]).toEqual([path, method, 405])
        expect((answered.headers.get('allow') ?? '').split(', ').sort()).toEqual(known.toSorted())
        if (method !== 'HEAD') expect(await codeOf(answered)).toBe('UNSUPPORTED')
      }
    }
  })

  it('takes names of up to 255 characters, and refuses the rest by their own code', async () => {
    const longest = `library/${'a'.repeat(247)}`
    expect((await client(longest).pushImage(someImage(), '1')).status).toBe(201)
    for (const name of [
      `${longest}a`,
      'library/A',
      'library//a',
      'library/-a',
      'library/a_',
      'library/a..b',
      'library/a___b',
    ]) {
      for (const path of [
        'manifests/1',
        `blobs/${sha256('x')}`,
        'tags/list',
        'blobs/uploads/',
        `referrers/${sha256('x')}`,
      ]) {
        const answered = await client(name).fetch(path, { method: path === 'blobs/uploads/' ? 'POST' : 'GET' })
        expect([name, path, answered.status, await codeOf(answered)]).toEqual([name, path, 400, 'NAME_INVALID'])
      }
    }
  })
})

describe('what a token allows', () => {
  it('is what its entries allow together, one for each repository or several', async () => {
    const image = someImage()
    await client('library/merged').pushImage(image, '1')
    const token = world.token({
      access: [
        accessTo('library/merged', ['pull']),
        accessTo('library/merged2', ['push']),
        accessTo('library/merged', ['push']),
      ],
    })
    const app = new RegistryClient(replica.url, 'library/merged', `Bearer ${token}`)
    expect((await app.fetch('manifests/1')).status).toBe(200)
    expect((await app.pushImage(someImage(), '2')).status).toBe(201)
    expect((await app.fetch('manifests/1', { method: 'DELETE' })).status).toBe(401)
    const second = new RegistryClient(replica.url, 'library/merged2', `Bearer ${token}`)
    expect((await second.fetch('manifests/1')).status).toBe(401)
  })

  it('is not everything because it says so with a star', async () => {
    for (const access of [
      [accessTo('library/list', ['*'])],
      [accessTo('*', ['pull', 'push', 'delete'])],
      [accessTo('library/*', ['pull'])],
    ]) {
      const app = new RegistryClient(replica.url, 'library/list', `Bearer ${world.token({ access })}`)
      expect((await app.fetch('tags/list')).status).toBe(401)
      expect((await app.fetch('blobs/uploads/', { method: 'POST' })).status).toBe(401)
    }
  })

  it('to push is not to delete, whatever is to be deleted', async () => {
    const image = someImage()
    await client('library/no-delete').pushImage(image, '1')
    const pusher = client('library/no-delete', ['pull', 'push'])
    for (const path of ['manifests/1', `manifests/${image.digest}`, `blobs/${sha256(image.config)}`]) {
      expect((await pusher.fetch(path, { method: 'DELETE' })).status).toBe(401)
    }
    // A session is the pusher's own.
    expect((await pusher.fetch(await pusher.startUpload(), { method: 'DELETE' })).status).toBe(204)
  })

  it('for a thousand and one things is refused, and one of 64 KiB before it is read', async () => {
    const many = Array.from({ length: 1_001 }, () => accessTo('a/b', []))
    const heavy = Array.from({ length: 900 }, (_, i) => accessTo(`library/${'x'.repeat(20)}${i}`, ['pull']))
    for (const access of [many, heavy]) {
      const token = world.token({ access: [accessTo('library/list', ['pull']), ...access] })
      // Too large for any header, else for us.
      const answered = await new RegistryClient(replica.url, 'library/list', `Bearer ${token}`)
        .fetch('tags/list')
        .then(({ status }) => status)
      expect([401, 431]).toContain(answered)
    }
  })
})
