import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Api, ROLE } from '../src/api.ts'
import { openDocker, toldDigest } from '../src/clients/docker.ts'
import { startDockerd } from '../src/clients/dockerd.ts'
import { figure, mebibytes, peakTable } from '../src/figures.ts'
import { type Blob, noiseBlob } from '../src/images/blob.ts'
import { makeImage } from '../src/images/image.ts'
import { writeDockerArchive } from '../src/images/on-disk.ts'
import { type Peaks, watchPss } from '../src/proc.ts'
import { getToken, RegistryClient } from '../src/registry-client.ts'
import { openScratch, removeScratch } from '../src/scratch.ts'
import { type Suite, startSuite } from '../src/suite.ts'
import { openTools } from '../tools/install.ts'

const MIB = 1024 * 1024
const LONG = process.env.BERTH_E2E_LONG === '1'
const ONE_BYTES = LONG ? 1024 * MIB : 256 * MIB
const EACH_OF_EIGHT_BYTES = LONG ? 1024 * MIB : 96 * MIB
const DOCKER_BYTES = LONG ? 1024 * MIB : 64 * MIB
const LIMIT_BYTES = 200_000_000

describe('big layers', () => {
  let home: string
  let suite: Suite
  let client: RegistryClient
  let eight: Blob[]

  beforeAll(async () => {
    home = await openScratch()
    suite = await startSuite()
    const admin = Api.admin(suite)
    const developer = await admin.createUser('dora')
    await admin.createProject('big')
    await admin.addMember('big', developer, ROLE.developer)
    const scopes = ['repository:big/app:pull,push']
    const token = await getToken(suite.url, { user: developer.name, password: developer.password, scopes })
    client = new RegistryClient(suite.url, `Bearer ${token}`)
    eight = []
    for (let n = 0; n < 8; n += 1) eight.push(await noiseBlob(EACH_OF_EIGHT_BYTES, `eight-${n}`))
  })

  afterAll(async () => {
    await suite?.stop()
    await removeScratch(home)
  })

  const measured = async (name: string, sizeBytes: number, work: () => Promise<unknown>): Promise<void> => {
    const stop = watchPss(() => suite.services())
    const began = performance.now()
    let peaks: Peaks | undefined
    try {
      await work()
    } finally {
      peaks = await stop()
    }
    const seconds = (performance.now() - began) / 1000
    const speed = Math.round(mebibytes(sizeBytes) / seconds)
    await figure(`${name}, ${mebibytes(sizeBytes)} MiB`, { 'MiB/s': speed, ...peakTable(peaks) })
    expect([...peaks.peakBytes.keys()]).toEqual(expect.arrayContaining(['gateway', 'registry', 'core', 'token']))
    for (const [service, bytes] of peaks.peakBytes) expect(bytes, `PSS of ${service}`).toBeLessThan(LIMIT_BYTES)
  }

  it('one is pushed and pulled whole, and no service grows', async () => {
    const blob = await noiseBlob(ONE_BYTES, 'one')
    await measured('one push, POST and PUT', ONE_BYTES, () => client.pushBlob('big/app', blob))
    await measured('one pull', ONE_BYTES, async () => {
      expect(await client.pullBlob('big/app', blob.digest)).toBe(ONE_BYTES)
    })
  })

  it('eight at once are pushed, half of them by streamed PATCH, and no service grows', async () => {
    await measured('eight pushes at once', 8 * EACH_OF_EIGHT_BYTES, () =>
      Promise.all(
        eight.map((blob, n) => (n % 2 ? client.streamBlob('big/app', blob) : client.pushBlob('big/app', blob))),
      ),
    )
  })

  it('eight at once are pulled whole, and no service grows', async () => {
    await measured('eight pulls at once', 8 * EACH_OF_EIGHT_BYTES, async () => {
      const sizes = await Promise.all(eight.map((blob) => client.pullBlob('big/app', blob.digest)))
      expect(sizes).toEqual(eight.map(() => EACH_OF_EIGHT_BYTES))
    })
  })

  it('docker pushes one and pulls it back', async () => {
    const tools = await openTools()
    const image = await makeImage({ name: 'big', layerBytes: [DOCKER_BYTES] })
    const dockerd = await startDockerd(tools)
    try {
      const docker = await openDocker(tools, dockerd, join(home, 'docker'))
      const tag = `${suite.host}/big/docker:1`
      await docker.login(suite.host, 'admin', suite.adminPassword)
      const loaded = await docker('load', '-i', await writeDockerArchive(join(home, 'big.tar'), image, [tag]))
      expect(loaded.code, loaded.output).toBe(0)
      await measured('docker push', DOCKER_BYTES, async () => {
        const push = await docker('push', tag)
        expect(push.code, push.output).toBe(0)
        const digest = toldDigest(push.output)
        await docker('rmi', tag)
        const pull = await docker('pull', `${suite.host}/big/docker@${digest}`)
        expect(pull.code, pull.output).toBe(0)
      })
    } finally {
      await dockerd.stop()
    }
  })
})
