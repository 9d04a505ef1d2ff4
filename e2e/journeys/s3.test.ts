import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Api, type Person, ROLE } from '../src/api.ts'
import { openDocker, toldDigest } from '../src/clients/docker.ts'
import { type Dockerd, startDockerd } from '../src/clients/dockerd.ts'
import { openSkopeo } from '../src/clients/skopeo.ts'
import { runConformance } from '../src/conformance/run.ts'
import { figure } from '../src/figures.ts'
import { ask } from '../src/http.ts'
import { sha256 } from '../src/images/blob.ts'
import { type ImageIndex, makeImage, makeIndex } from '../src/images/image.ts'
import { writeDockerArchive, writeOciLayout } from '../src/images/on-disk.ts'
import type { S3Peer } from '../src/peers/s3-peer.ts'
import { startSwift } from '../src/peers/swift.ts'
import { getToken, RegistryClient } from '../src/registry-client.ts'
import { s3Settings } from '../src/s3-suite.ts'
import { openScratch, removeScratch } from '../src/scratch.ts'
import { type Suite, startSuite } from '../src/suite.ts'
import { openTools, type Tools } from '../tools/install.ts'

/** The checks of the development profile are those of the stable one and more. */
const PROFILES = process.env.BERTH_E2E_LONG === '1' ? (['stable', 'dev'] as const) : (['dev'] as const)

describe('bytes in an S3 that is not ours', () => {
  let home: string
  let tools: Tools
  let swift: S3Peer
  let dockerd: Dockerd
  let index: ImageIndex

  beforeAll(async () => {
    home = await openScratch()
    tools = await openTools()
    swift = await startSwift(tools, home)
    dockerd = await startDockerd(tools)
    index = makeIndex([
      await makeImage({ name: 's3', architecture: 'amd64', layerBytes: [9_000_000, 20] }),
      await makeImage({ name: 's3', architecture: 'arm64', layerBytes: [100_000, 20] }),
    ])
  })

  afterAll(async () => {
    await dockerd?.stop()
    await swift?.stop()
    await removeScratch(home)
  })

  const done = async (result: Promise<{ code: number; output: string; stdout: string }>): Promise<string> => {
    const { code, output, stdout } = await result
    expect(code, output).toBe(0)
    return stdout
  }
  const objects = async (prefix: string): Promise<string[]> => {
    const found = (await swift.client.listObjectsV2(swift.account.bucket, prefix, true).toArray()) as { name: string }[]
    return found.map((one) => one.name)
  }
  const unfinished = async (prefix: string): Promise<unknown[]> =>
    swift.client.listIncompleteUploads(swift.account.bucket, prefix, true).toArray()

  for (const redirect of [true, false]) {
    describe(redirect ? 'clients are sent there' : 'the registry streams', () => {
      const prefix = redirect ? 'sent' : 'streamed'
      let suite: Suite
      let person: Person
      let client: RegistryClient

      beforeAll(async () => {
        suite = await startSuite({
          env: s3Settings(swift.account, { BERTH_S3_PREFIX: prefix, BERTH_S3_REDIRECT: String(redirect) }),
        })
        const admin = Api.admin(suite)
        person = await admin.createUser('suse')
        await admin.createProject('bucket')
        await admin.addMember('bucket', person, ROLE.maintainer)
        const scopes = ['app', 'raw'].map((name) => `repository:bucket/${name}:pull,push`)
        const token = await getToken(suite.url, { user: person.name, password: person.password, scopes })
        client = new RegistryClient(suite.url, `Bearer ${token}`)
      })

      afterAll(() => suite?.stop())

      for (const profile of PROFILES) {
        it(`passes every check of the distribution API, ${profile} profile`, async () => {
          const [repository, other] = [`bucket/${profile}`, `bucket/${profile}-other`]
          const report = await runConformance({ base: suite.url, person, repository, other, profile })
          const counts = { passed: report.passes, failed: report.failures.length }
          await figure(`distribution API on S3, ${prefix}, ${profile}`, counts)
          expect(report.failures).toEqual([])
        })
      }

      it('says where the bytes are, or sends them itself', async () => {
        const image = await makeImage({ name: 'where', layerBytes: [7_000_000] })
        await client.pushImage('bucket/raw', '1', image)
        const [layer] = image.layers
        const answer = await ask(client.url('bucket/raw', `blobs/${layer?.digest}`), { headers: client.headers() })
        expect(answer.status).toBe(redirect ? 307 : 200)
        const location = answer.headers.location ?? ''
        expect(location.startsWith(swift.url)).toBe(redirect)
        if (redirect) expect((await ask(location)).status).toBe(200)
      })

      it('docker pushes and pulls an image', async () => {
        const docker = await openDocker(tools, dockerd, join(home, `docker-${prefix}`))
        const image = await makeImage({ name: `docker ${prefix}`, layerBytes: [12_000_000, 3000] })
        const tag = `${suite.host}/bucket/docker:1`
        await docker.login(suite.host, person.name, person.password)
        await done(docker('load', '-i', await writeDockerArchive(join(home, `${prefix}.tar`), image, [tag])))
        const digest = toldDigest(await done(docker('push', tag)))
        await done(docker('rmi', tag))
        await done(docker('pull', `${suite.host}/bucket/docker@${digest}`))
      })

      it('skopeo copies an index there and back, byte for byte', async () => {
        const skopeo = await openSkopeo(tools, join(home, `skopeo-${prefix}`))
        await skopeo.login(suite.host, person.name, person.password)
        const layout = await writeOciLayout(join(home, `layout-${prefix}`), index, 'it')
        const at = `docker://${suite.host}/bucket/two:1`
        const flags = ['--all', '--preserve-digests']
        await done(skopeo('copy', ...flags, '--dest-tls-verify=false', `oci:${layout}:it`, at))
        const raw = await done(skopeo('inspect', '--raw', '--tls-verify=false', at))
        expect(sha256(Buffer.from(raw))).toBe(index.manifest.digest)
        await done(skopeo('copy', ...flags, '--src-tls-verify=false', at, `oci:${join(home, `back-${prefix}`)}:it`))
      })

      it('leaves no upload unfinished in the bucket', async () => {
        expect((await objects(prefix)).length).toBeGreaterThan(0)
        expect(await unfinished(prefix)).toEqual([])
      })
    })
  }
})
