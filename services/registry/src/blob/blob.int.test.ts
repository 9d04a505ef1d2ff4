import { sha256, someBytes, someImage } from '@berth/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { codeOf, RegistryClient } from '../testing/registry-client.ts'
import { accessTo } from '../testing/test-tokens.ts'
import { openWorld, type Replica, type World } from '../testing/test-world.ts'

let world: World
let replica: Replica

beforeAll(async () => {
  world = await openWorld()
  replica = await world.startReplica()
})
afterAll(() => world?.stop())

const client = (name = 'library/blobs', actions?: string[]) =>
  new RegistryClient(replica.url, name, `Bearer ${world.tokenFor(name, actions)}`)

const condemn = (digest: string) =>
  world.sql(`UPDATE registry.blob SET condemned_at = now(), touched_at = now() - interval '1 day' WHERE digest = $1`, [
    digest,
  ])
const isCondemned = async (digest: string) =>
  (
    await world.sql<{ condemned: boolean }>(
      'SELECT condemned_at IS NOT NULL AS condemned FROM registry.blob WHERE digest = $1',
      [digest],
    )
  )[0]?.condemned

describe('a blob', () => {
  it('is seen in the repositories it was pushed to, and in no other', async () => {
    const blob = someBytes(100)
    await client('library/mine').postBlob(blob)
    for (const method of ['GET', 'HEAD']) {
      expect((await client('library/mine').fetch(`blobs/${sha256(blob)}`, { method })).status).toBe(200)
      expect((await client('library/other').fetch(`blobs/${sha256(blob)}`, { method })).status).toBe(404)
    }
    const missing = await client('library/other').fetch(`blobs/${sha256(blob)}`)
    expect(await codeOf(missing)).toBe('BLOB_UNKNOWN')
  })

  it('must be sent whole to be seen in a second repository', async () => {
    const blob = someBytes(1000)
    await client('library/first').postBlob(blob)
    const wrong = await client('library/second').postBlob(blob.subarray(0, 999), sha256(blob))
    expect([wrong.status, await codeOf(wrong)]).toEqual([400, 'DIGEST_INVALID'])
    expect((await client('library/second').fetch(`blobs/${sha256(blob)}`)).status).toBe(404)
  })
})

describe('a condemned blob', () => {
  it('is served, and revived by whoever will count on it', async () => {
    const app = client()
    const reader = client('library/blobs', ['pull'])
    const image = someImage([50])
    await app.pushImage(image, '1')
    const digest = sha256(image.config)
    const revivals: [string, () => Promise<Response>, number][] = [
      ['a HEAD with the right to push', () => app.fetch(`blobs/${digest}`, { method: 'HEAD' }), 200],
      ['a manifest', () => app.putManifest('2', image.manifest), 201],
      ['an upload', () => app.postBlob(image.config), 201],
      ['an upload to another repository', () => client('library/blobs2').postBlob(image.config), 201],
      [
        'a mount',
        () =>
          new RegistryClient(
            replica.url,
            'library/blobs3',
            `Bearer ${world.token({
              access: [accessTo('library/blobs3', ['pull', 'push']), accessTo('library/blobs', ['pull'])],
            })}`,
          ).fetch(`blobs/uploads/?mount=${digest}&from=library/blobs`, { method: 'POST' }),
        201,
      ],
    ]
    for (const [what, act, status] of revivals) {
      await condemn(digest)
      for (const method of ['GET', 'HEAD']) {
        expect((await reader.fetch(`blobs/${digest}`, { method })).status).toBe(200)
        expect(await isCondemned(digest)).toBe(true)
      }
      expect([what, (await act()).status]).toEqual([what, status])
      expect([what, await isCondemned(digest)]).toEqual([what, false])
    }
  })
})
