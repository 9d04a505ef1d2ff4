import { someImage } from '@berth/testkit'
import { NO_POLICY, type ProjectPolicy } from '@berth/types'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { refusalOf } from '../testing/answers.ts'
import { newProject } from '../testing/test-projects.ts'
import { openWorld, type Replica, type World } from '../testing/test-world.ts'

let world: World
let one: Replica
let two: Replica

beforeAll(async () => {
  world = await openWorld()
  one = await world.startReplica()
  two = await world.startReplica()
})
afterAll(() => world?.stop())

const on = (pattern: string) => ({ pattern, excludes: false })
const off = (pattern: string) => ({ pattern, excludes: true })
const RELEASES: ProjectPolicy = {
  ...NO_POLICY,
  immutabilityRules: [{ repositories: [on('**'), off('sandbox')], tags: [on('v*'), off('*-rc*')] }],
}
const moved = (tag: string, repository = 'app') => [
  412,
  'PRECONDITION',
  `Failed to process request due to '${repository}:${tag}' configured as immutable.`,
]
const kept = (tag: string) => [412, 'PRECONDITION', `the tag ${tag} configured as immutable, cannot be deleted`]

describe('an immutable tag', () => {
  it('can be set once and again to the same, but not moved', async () => {
    const project = await newProject(world, { policy: RELEASES })
    const [app, other] = [project.client(one), project.client(two)]
    const [first, second] = [someImage(), someImage()]
    expect((await app.pushImage(first, 'v1')).status).toBe(201)
    expect((await other.putManifest('v1', first.manifest)).status).toBe(201)
    expect(await refusalOf(await other.pushImage(second, 'v1'))).toEqual(moved('v1'))
    expect((await app.fetch('manifests/v1')).headers.get('docker-content-digest')).toBe(first.digest)
    expect((await app.pushImage(second, 'v1-rc1')).status).toBe(201)
    expect((await app.putManifest('v1-rc1', first.manifest)).status).toBe(201)

    const sandbox = project.client(one, 'sandbox')
    expect((await sandbox.pushImage(first, 'v1')).status).toBe(201)
    expect((await sandbox.pushImage(second, 'v1')).status).toBe(201)
    expect((await project.client(one, 'team/sandbox').pushImage(first, 'v1')).status).toBe(201)
    expect(await refusalOf(await project.client(one, 'team/sandbox').pushImage(second, 'v1'))).toEqual(
      moved('v1', 'team/sandbox'),
    )
  })

  it('undoes the whole push that would move it beside others', async () => {
    const app = (await newProject(world, { policy: RELEASES })).client(one)
    const [first, second] = [someImage(), someImage()]
    await app.pushImage(first, 'v1')
    for (const blob of [second.config, ...second.layers]) await app.postBlob(blob)
    const path = `manifests/${second.digest}?tag=a&tag=v1&tag=z`
    const body = second.manifest as Uint8Array<ArrayBuffer>
    const headers = { 'content-type': 'application/vnd.oci.image.manifest.v1+json' }
    expect(await refusalOf(await app.fetch(path, { method: 'PUT', body, headers }))).toEqual(moved('v1'))
    expect((await app.fetch(`manifests/${second.digest}`)).status).toBe(404)
    expect(await (await app.fetch('tags/list')).json()).toMatchObject({ tags: ['v1'] })
  })

  it('goes neither by itself nor with its artifact', async () => {
    const project = await newProject(world, { policy: RELEASES })
    const app = project.client(one)
    const image = someImage()
    for (const tag of ['v1', 'latest']) expect((await app.pushImage(image, tag)).status).toBe(201)
    const remove = (reference: string) => project.client(two).fetch(`manifests/${reference}`, { method: 'DELETE' })
    expect(await refusalOf(await remove('v1'))).toEqual(kept('v1'))
    expect(await refusalOf(await remove(image.digest))).toEqual(kept('v1'))
    expect((await remove('latest')).status).toBe(202)
    expect((await remove('v2')).status).toBe(404)
    expect((await app.fetch('manifests/v1')).status).toBe(200)
    await project.change({ policy: NO_POLICY })
    expect((await remove(image.digest)).status).toBe(202)
  })

  it('belongs to one of many who push it first at once', async () => {
    const project = await newProject(world, { policy: RELEASES })
    const images = Array.from({ length: 8 }, () => someImage([100]))
    const answers = await Promise.all(
      images.map((image, i) => project.client(i % 2 === 0 ? one : two).pushImage(image, 'v1')),
    )
    const statuses = answers.map(({ status }) => status).sort()
    expect(statuses).toEqual([201, ...Array.from({ length: 7 }, () => 412)])
    const winner = images[answers.findIndex(({ status }) => status === 201)]
    const got = await project.client(one).fetch('manifests/v1')
    expect(got.headers.get('docker-content-digest')).toBe(winner?.digest)
  })

  it('is one, or none any more, on every replica when the change is answered', async () => {
    const project = await newProject(world)
    const images = [someImage(), someImage()] as const
    for (const image of images) await project.client(one).pushImage(image)
    await project.client(one).putManifest('v1', images[0].manifest)
    for (let round = 0; round < 5; round++) {
      await project.change({ policy: RELEASES })
      for (const replica of [one, two]) {
        for (const image of images) await project.client(replica).putManifest('v1', image.manifest)
        const got = await project.client(replica).fetch('manifests/v1')
        expect(got.headers.get('docker-content-digest')).toBe(images[0].digest)
      }
      await project.change({ policy: NO_POLICY })
      for (const replica of [one, two]) {
        for (const image of images.toReversed()) {
          expect((await project.client(replica).putManifest('v1', image.manifest)).status).toBe(201)
        }
      }
    }
  })
})
