import { MANIFEST_TYPE, someImage } from '@berth/testkit'
import { artifactList, projectPut } from '@berth/types'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RegistryClient } from '../testing/registry-client.ts'
import { accessTo } from '../testing/test-tokens.ts'
import { openWorld, testProject, type World } from '../testing/test-world.ts'

describe('artifacts listed on behalf of a person', () => {
  let world: World
  let client: RegistryClient
  const image = someImage()
  const signature = someImage([10], {
    artifactType: 'application/vnd.example.signature',
    subject: { mediaType: MANIFEST_TYPE, digest: image.digest, size: image.manifest.length },
  })
  const ask = (request = {}, token = world.token({ access: [accessTo('library/app', ['pull'])] })) =>
    world.bus.ask(artifactList, { repository: 'library/app', limit: 100, ...request }, { token })

  beforeAll(async () => {
    world = await openWorld()
    const replica = await world.startReplica()
    await world.bus.ask(projectPut, { project: testProject() })
    client = new RegistryClient(replica.url, 'library/app', `Bearer ${world.tokenFor('library/app')}`)
    for (const tag of ['b', 'B', '10']) await client.pushImage(image, tag)
    await client.pushImage(signature, signature.digest)
  })
  afterAll(() => world?.stop())

  it('are those with tags and those without, by digest', async () => {
    const { artifacts, next } = await ask()
    expect(next).toBeUndefined()
    expect(artifacts.map((one) => one.digest)).toEqual([image.digest, signature.digest].toSorted())
    const common = { mediaType: MANIFEST_TYPE, pushedAt: expect.any(String) }
    expect(artifacts.find((one) => one.digest === image.digest)).toEqual({
      ...common,
      digest: image.digest,
      artifactType: 'application/vnd.oci.image.config.v1+json',
      sizeBytes: image.manifest.length,
      tags: ['10', 'B', 'b'],
      tagCount: 3,
    })
    expect(artifacts.find((one) => one.digest === signature.digest)).toEqual({
      ...common,
      digest: signature.digest,
      artifactType: 'application/vnd.example.signature',
      subject: image.digest,
      sizeBytes: signature.manifest.length,
      tags: [],
      tagCount: 0,
    })
  })

  it('fit into an answer, however long they say their type is', async () => {
    const name = 'library/long'
    const long = new RegistryClient(client.url, name, `Bearer ${world.tokenFor(name)}`)
    for (const length of [1_200_000, 10]) {
      await long.pushImage(someImage([10], { artifactType: `application/${'x'.repeat(length)}` }))
    }
    const { artifacts } = await ask({ repository: name }, world.token({ access: [accessTo(name, ['pull'])] }))
    expect(artifacts.map((one) => one.artifactType?.length).toSorted()).toEqual([22, 255])
  })

  it('come in pages', async () => {
    const [first, second] = [image.digest, signature.digest].toSorted()
    const page = await ask({ limit: 1 })
    expect(page.artifacts.map((one) => one.digest)).toEqual([first])
    expect(page.next).toBe(first)
    expect((await ask({ limit: 1, last: page.next })).artifacts.map((one) => one.digest)).toEqual([second])
  })

  it('name the first twenty tags and count all', async () => {
    for (let n = 0; n < 25; n++) await client.pushImage(signature, `t${String(n).padStart(2, '0')}`)
    const { artifacts } = await ask()
    const found = artifacts.find((one) => one.digest === signature.digest)
    expect(found?.tagCount).toBe(25)
    expect(found?.tags).toEqual(Array.from({ length: 20 }, (_, n) => `t${String(n).padStart(2, '0')}`))
  })

  it('are not there for who may not see them', async () => {
    const others = world.token({ access: [accessTo('library/other', ['pull'])] })
    await expect(ask({}, others)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(ask({ repository: 'library/none' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(ask({ repository: 'Not A Name' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})
