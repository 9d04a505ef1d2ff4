import { cp, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { report } from '../src/berth.ts'
import { openDocker } from '../src/clients/docker.ts'
import { type Dockerd, startDockerd } from '../src/clients/dockerd.ts'
import { openSkopeo, type Skopeo } from '../src/clients/skopeo.ts'
import { sha256 } from '../src/images/blob.ts'
import { type Image, type ImageIndex, makeImage, makeIndex } from '../src/images/image.ts'
import { writeOciLayout } from '../src/images/on-disk.ts'
import { startDockerRegistry } from '../src/peers/docker-registry.ts'
import { openScratch, removeScratch } from '../src/scratch.ts'
import { type Suite, startSuite } from '../src/suite.ts'
import { openTools, type Tools } from '../tools/install.ts'

interface Report {
  figures: Record<string, number | string>
  findings: unknown[]
  remarks: string[]
}

const REPOSITORIES = 'docker/registry/v2/repositories'

describe('taking over what docker-registry wrote', () => {
  let home: string
  let tools: Tools
  let suite: Suite
  let skopeo: Skopeo
  let dockerd: Dockerd
  let image: Image
  let index: ImageIndex
  let tagged: string
  let untagged: string

  beforeAll(async () => {
    home = await openScratch()
    tools = await openTools()
    skopeo = await openSkopeo(tools, join(home, 'skopeo'))
    image = await makeImage({ name: 'legacy', layerBytes: [400_000, 9000] })
    index = makeIndex([
      await makeImage({ name: 'legacy two', architecture: 'amd64', layerBytes: [9000] }),
      await makeImage({ name: 'legacy two', architecture: 'arm64', layerBytes: [9000] }),
    ])
    tagged = await written()
    untagged = await withoutTags(tagged)
    suite = await startSuite()
    await skopeo.login(suite.host, 'admin', suite.adminPassword)
    dockerd = await startDockerd(tools)
  })

  afterAll(async () => {
    await dockerd?.stop()
    await suite?.stop()
    await removeScratch(home)
  })

  const done = async (result: Promise<{ code: number; output: string; stdout: string }>): Promise<string> => {
    const { code, output, stdout } = await result
    expect(code, output).toBe(0)
    return stdout
  }

  /** A storage as skopeo and docker-registry leave it; the registry is gone when this returns. */
  const written = async (): Promise<string> => {
    const old = await startDockerRegistry(tools, home)
    try {
      const at = new URL(old.url).host
      const push = async (content: Image | ImageIndex, name: string): Promise<void> => {
        const layout = await writeOciLayout(join(home, name.replaceAll(/\W/g, '-')), content, 'it')
        const flags = ['--all', '--preserve-digests', '--dest-tls-verify=false']
        await done(skopeo('copy', ...flags, `oci:${layout}:it`, `docker://${at}/${name}`))
      }
      await push(image, 'legacy/app:1')
      await push(image, 'legacy/app:latest')
      await push(index, 'legacy/deep/er/two:1')
      await push(image, 'alone:1')
    } finally {
      await old.stop()
    }
    return join(home, 'docker-registry', 'data')
  }

  /** What a storage without tags looks like, as that of Harbor; named so that it is another project's. */
  const withoutTags = async (from: string): Promise<string> => {
    const to = join(home, 'no-tags')
    await cp(from, to, { recursive: true })
    const repositories = join(to, REPOSITORIES)
    await cp(join(repositories, 'legacy'), join(repositories, 'silent'), { recursive: true })
    for (const name of ['legacy', 'alone']) await rm(join(repositories, name), { recursive: true })
    for (const name of ['app', 'deep/er/two']) {
      await rm(join(repositories, 'silent', name, '_manifests', 'tags'), { recursive: true })
      await mkdir(join(repositories, 'silent', name, '_manifests', 'tags'))
    }
    return to
  }

  const filesOf = async (directory: string): Promise<string[]> =>
    (await readdir(directory, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .toSorted()

  const adopt = (directory: string, ...more: string[]): Promise<Report> =>
    report<Report>(suite, ['registry', 'adopt', directory, ...more])

  it('takes repositories, tags and blobs over where they stand, and may be asked again', async () => {
    const before = await filesOf(tagged)
    const first = await adopt(tagged, '--project', 'attic', '--verify')
    expect(first.figures).toMatchObject({
      repositories: 3,
      manifests: 5,
      tags: 4,
      skippedManifests: 0,
    })
    expect(first.findings).toEqual([])
    expect((await adopt(tagged, '--project', 'attic')).figures).toEqual(first.figures)
    expect(await filesOf(tagged)).toEqual(before)
  })

  it('docker pulls what was pushed to the other registry', async () => {
    const docker = await openDocker(tools, dockerd, join(home, 'docker'))
    await docker.login(suite.host, 'admin', suite.adminPassword)
    for (const name of ['legacy/app:1', 'legacy/app:latest', 'attic/alone:1']) {
      await done(docker('pull', `${suite.host}/${name}`))
      const id = await done(docker('image', 'inspect', '--format', '{{.Id}}', `${suite.host}/${name}`))
      expect(id.trim()).toBe(image.config.digest)
    }
  })

  it('an index comes out as it went in, and its images with it', async () => {
    const from = `docker://${suite.host}/legacy/deep/er/two:1`
    const raw = await done(skopeo('inspect', '--raw', '--tls-verify=false', from))
    expect(sha256(Buffer.from(raw))).toBe(index.manifest.digest)
    const to = `oci:${join(home, 'back')}:it`
    await done(skopeo('copy', '--all', '--preserve-digests', '--src-tls-verify=false', from, to))
  })

  it('a project made for it is private', async () => {
    const stranger = await openSkopeo(tools, join(home, 'stranger'))
    const asked = await stranger('inspect', '--raw', '--tls-verify=false', `docker://${suite.host}/legacy/app:1`)
    expect(asked.code).not.toBe(0)
  })

  it('what has no tags arrives untagged, is kept, and says so', async () => {
    const told = await adopt(untagged)
    expect(told.figures).toMatchObject({ repositories: 2, tags: 0 })
    expect(Number(told.figures.untaggedKept)).toBeGreaterThan(0)
    expect(told.remarks.join('\n')).toContain('--tags-from')
    for (const [name, digest] of [
      ['silent/app', image.manifest.digest],
      ['silent/deep/er/two', index.manifest.digest],
    ]) {
      const raw = await done(
        skopeo('inspect', '--raw', '--tls-verify=false', `docker://${suite.host}/${name}@${digest}`),
      )
      expect(sha256(Buffer.from(raw))).toBe(digest)
    }
  })
})
