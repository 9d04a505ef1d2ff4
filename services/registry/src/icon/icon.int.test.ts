import { MANIFEST_TYPE, sha256 } from '@berth/testkit'
import { iconGet } from '@berth/types'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type JudgedRoom, type JudgedWorld, openJudgedWorld } from '../testing/judged-world.ts'

const ICON = 'io.goharbor.artifact.v1alpha1.icon'
const MAGIC = Buffer.from('89504e470d0a1a0a', 'hex')

let judged: JudgedWorld
beforeAll(async () => {
  judged = await openJudgedWorld()
})
afterAll(() => judged?.world.stop())

/** Pushes an artifact of a kind of its own with a picture, and waits until the picture is known. */
async function pushWithIcon({ client }: JudgedRoom, picture: Buffer): Promise<string> {
  const config = Buffer.from('{"a":1}')
  const descriptor = (mediaType: string, bytes: Buffer, more = {}) => ({
    mediaType,
    digest: sha256(bytes),
    size: bytes.length,
    ...more,
  })
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST_TYPE,
      config: descriptor('application/vnd.acme.rocket.config.v1+json', config),
      layers: [descriptor('image/png', picture, { annotations: { [ICON]: '' } })],
    }),
  )
  for (const blob of [config, picture]) expect((await client.postBlob(blob)).status).toBe(201)
  expect((await client.putManifest('1', manifest)).status).toBe(201)
  const waiting = () =>
    judged.world.sql('SELECT 1 FROM registry.manifest WHERE digest = $1 AND facts_at IS NULL', [sha256(manifest)])
  await expect.poll(waiting, { timeout: 30_000 }).toHaveLength(0)
  return sha256(picture)
}

describe('an icon', () => {
  it('is given to who may see an artifact that has it', async () => {
    const picture = Buffer.concat([MAGIC, Buffer.from('a picture')])
    const hidden = await judged.newRoom({ public: false })
    const digest = await pushWithIcon(hidden, picture)
    const icon = { contentType: 'image/png', content: picture.toString('base64') }
    expect(await judged.ask(iconGet, { digest, projects: { kind: 'all' } })).toEqual(icon)
    const some = (ids: number[]) =>
      judged.ask(iconGet, { digest, projects: { kind: 'some' as const, ids, publicToo: true } })
    expect(await some([hidden.project.id])).toEqual(icon)
    await expect(some([])).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await pushWithIcon(await judged.newRoom({ public: true }), picture)
    expect(await some([])).toEqual(icon)
  })

  it('is nothing but an icon: other blobs are not read', async () => {
    const room = await judged.newRoom()
    const secret = Buffer.concat([MAGIC, Buffer.from('a layer that looks like a picture')])
    expect((await room.client.postBlob(secret)).status).toBe(201)
    const projects = { kind: 'all' as const }
    for (const digest of [sha256(secret), 'sha256:x', '', '\0', "' OR true --"]) {
      await expect(judged.ask(iconGet, { digest, projects })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    }
  })

  it('is no longer than an answer may be', async () => {
    const long = Buffer.concat([MAGIC, Buffer.alloc(600_000)])
    const digest = await pushWithIcon(await judged.newRoom(), long)
    const asked = judged.ask(iconGet, { digest, projects: { kind: 'all' } })
    await expect(asked).rejects.toMatchObject({ code: 'REQUEST_ENTITY_TOO_LARGE' })
  })
})
