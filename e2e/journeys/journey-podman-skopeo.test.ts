import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Api, type Person, ROLE } from '../src/api.ts'
import { openPodman, type Podman } from '../src/clients/podman.ts'
import { openSkopeo, type Skopeo } from '../src/clients/skopeo.ts'
import { sha256 } from '../src/images/blob.ts'
import { type ImageIndex, makeImage, makeIndex } from '../src/images/image.ts'
import { writeDockerArchive, writeOciLayout } from '../src/images/on-disk.ts'
import { type Recorder, startRecorder, uploads } from '../src/recorder.ts'
import { openScratch, removeScratch } from '../src/scratch.ts'
import { type Suite, startSuite } from '../src/suite.ts'
import { openTools, type Tools } from '../tools/install.ts'

describe('the first journey, with podman and skopeo', () => {
  let home: string
  let tools: Tools
  let suite: Suite
  let recorder: Recorder
  let podman: Podman
  let skopeo: Skopeo
  let developer: Person
  let index: ImageIndex
  let at: string

  beforeAll(async () => {
    home = await openScratch()
    tools = await openTools()
    suite = await startSuite()
    recorder = await startRecorder(suite.url)
    podman = await openPodman(tools, join(home, 'podman'))
    skopeo = await openSkopeo(tools, join(home, 'skopeo'))
    const admin = Api.admin(suite)
    developer = await admin.createUser('dora')
    await admin.createProject('journey')
    await admin.addMember('journey', developer, ROLE.developer)
    at = `${recorder.host}/journey`
    index = makeIndex([
      await makeImage({ name: 'two', architecture: 'amd64', layerBytes: [100_000, 20] }),
      await makeImage({ name: 'two', architecture: 'arm64', layerBytes: [100_000, 20] }),
    ])
  })

  afterAll(async () => {
    await recorder?.stop()
    await suite?.stop()
    await removeScratch(home)
  })

  const done = async (result: Promise<{ code: number; output: string; stdout: string }>): Promise<string> => {
    const { code, output, stdout } = await result
    expect(code, output).toBe(0)
    return stdout
  }
  const blobsOf = (content: ImageIndex): string[] => [
    content.manifest.digest,
    ...content.images.flatMap((one) => [one.manifest, one.config, ...one.layers].map((blob) => blob.digest)),
  ]
  /** Every blob of the index in an OCI layout hashes to its name. */
  const expectWhole = async (layout: string, content: ImageIndex): Promise<void> => {
    for (const digest of blobsOf(content)) {
      expect(sha256(await readFile(join(layout, 'blobs', 'sha256', digest.slice(7))))).toBe(digest)
    }
  }

  it('refuses wrong passwords and accepts right ones', async () => {
    for (const client of [podman, skopeo]) {
      const wrong = await client.login(recorder.host, developer.name, 'Wrong-password-1')
      expect(wrong.code).not.toBe(0)
      expect(wrong.output).toMatch(/invalid username\/password|unauthorized/)
      const right = await client.login(recorder.host, developer.name, developer.password)
      expect(right.output).toContain('Login Succeeded')
    }
  })

  it('podman pushes, pushes again without an upload, and pulls the same image into another store', async () => {
    const image = await makeImage({ name: 'podman', layerBytes: [1_000_000, 5000] })
    const archive = await writeDockerArchive(join(home, 'podman.tar'), image, [`${at}/app:1`])
    await done(podman('load', '-i', archive))
    await done(podman('push', '--tls-verify=false', `${at}/app:1`))
    recorder.clear()
    await done(podman('push', '--tls-verify=false', `${at}/app:1`))
    expect(recorder.seen.some((one) => one.method === 'PUT' && one.path.includes('/manifests/'))).toBe(true)
    expect(uploads(recorder.seen)).toEqual([])
    const other = await openPodman(tools, join(home, 'podman-2'))
    await done(other.login(recorder.host, developer.name, developer.password))
    await done(other('pull', '--tls-verify=false', `${at}/app:1`))
    const id = await done(other('image', 'inspect', '--format', '{{.Id}}', `${at}/app:1`))
    expect(`sha256:${id.trim()}`).toBe(image.config.digest)
  })

  it('skopeo copies an index with all its images there and back, byte for byte', async () => {
    const layout = await writeOciLayout(join(home, 'layout'), index, 'latest')
    const flags = ['--all', '--preserve-digests']
    await done(skopeo('copy', ...flags, '--dest-tls-verify=false', `oci:${layout}:latest`, `docker://${at}/two:1`))
    const raw = await done(skopeo('inspect', '--raw', '--tls-verify=false', `docker://${at}/two:1`))
    expect(sha256(Buffer.from(raw))).toBe(index.manifest.digest)
    const back = join(home, 'back')
    await done(skopeo('copy', ...flags, '--src-tls-verify=false', `docker://${at}/two:1`, `oci:${back}:latest`))
    await expectWhole(back, index)
  })

  it('skopeo copies from repository to repository by digest, and lists the tags', async () => {
    const from = `docker://${at}/two@${index.manifest.digest}`
    const flags = ['--all', '--preserve-digests', '--src-tls-verify=false', '--dest-tls-verify=false']
    for (const tag of ['b', 'a']) await done(skopeo('copy', ...flags, from, `docker://${at}/copy:${tag}`))
    const listed = await done(skopeo('list-tags', '--tls-verify=false', `docker://${at}/copy`))
    expect((JSON.parse(listed) as { Tags: string[] }).Tags).toEqual(['a', 'b'])
    const raw = await done(skopeo('inspect', '--raw', '--tls-verify=false', `docker://${at}/copy:a`))
    expect(sha256(Buffer.from(raw))).toBe(index.manifest.digest)
  })

  it('podman pulls one platform out of the index', async () => {
    await done(podman('pull', '--tls-verify=false', '--platform', 'linux/arm64', `${at}/two:1`))
    const told = await done(podman('image', 'inspect', '--format', '{{.Id}} {{.Architecture}}', `${at}/two:1`))
    expect(told.trim()).toBe(`${index.images[1]?.config.digest.slice(7)} arm64`)
  })
})
