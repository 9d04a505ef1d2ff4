import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Api, type Person, ROLE } from '../src/api.ts'
import { type Docker, openDocker, toldDigest } from '../src/clients/docker.ts'
import { type Dockerd, startDockerd } from '../src/clients/dockerd.ts'
import { basic } from '../src/http.ts'
import { type Architecture, DOCKER_LIST, type Image, makeImage } from '../src/images/image.ts'
import { writeDockerArchive } from '../src/images/on-disk.ts'
import { type Recorder, startRecorder, uploads } from '../src/recorder.ts'
import { RegistryClient } from '../src/registry-client.ts'
import { openScratch, removeScratch } from '../src/scratch.ts'
import { type Suite, startSuite } from '../src/suite.ts'
import { openTools } from '../tools/install.ts'

describe('the first journey, with docker', () => {
  let home: string
  let suite: Suite
  let recorder: Recorder
  let dockerd: Dockerd
  let docker: Docker
  let developer: Person
  let image: Image
  let pushed: string
  let repository: string

  const load = async (content: Image, tag: string): Promise<void> => {
    const file = await writeDockerArchive(join(home, `${content.config.digest.slice(7, 19)}.tar`), content, [tag])
    const loaded = await docker('load', '-i', file)
    expect(loaded.code, loaded.output).toBe(0)
  }
  const inspect = async (name: string, format: string): Promise<string> => {
    const inspected = await docker('image', 'inspect', '--format', format, name)
    expect(inspected.code, inspected.output).toBe(0)
    return inspected.stdout.trim()
  }

  beforeAll(async () => {
    home = await openScratch()
    const tools = await openTools()
    suite = await startSuite()
    recorder = await startRecorder(suite.url)
    dockerd = await startDockerd(tools)
    docker = await openDocker(tools, dockerd, join(home, 'docker'))
    const admin = Api.admin(suite)
    developer = await admin.createUser('dora')
    await admin.createProject('journey')
    await admin.addMember('journey', developer, ROLE.developer)
    image = await makeImage({ name: 'journey', layerBytes: [10_000, 2_000_000, 300] })
    repository = `${recorder.host}/journey/app`
  })

  afterAll(async () => {
    await dockerd?.stop()
    await recorder?.stop()
    await suite?.stop()
    await removeScratch(home)
  })

  it('refuses a login with a wrong password', async () => {
    const login = await docker.login(recorder.host, developer.name, 'Wrong-password-1')
    expect(login.code).not.toBe(0)
    expect(login.output).toContain('unauthorized')
  })

  it('accepts a login with the right password', async () => {
    const login = await docker.login(recorder.host, developer.name, developer.password)
    expect(login.output).toContain('Login Succeeded')
    expect(login.code).toBe(0)
  })

  it('pushes an image into a project made a moment ago', async () => {
    await load(image, `${repository}:1`)
    const push = await docker('push', `${repository}:1`)
    expect(push.code, push.output).toBe(0)
    pushed = toldDigest(push.output)
    const client = new RegistryClient(suite.url, basic(developer.name, developer.password))
    expect((await client.pullImage('journey/app', '1')).digest).toBe(pushed)
  })

  it('uploads nothing when the same image is pushed again, under its own tag and under another', async () => {
    recorder.clear()
    const again = await docker('push', `${repository}:1`)
    expect(again.code, again.output).toBe(0)
    await docker('tag', `${repository}:1`, `${repository}:2`)
    const other = await docker('push', `${repository}:2`)
    expect(other.code, other.output).toBe(0)
    expect(toldDigest(again.output)).toBe(pushed)
    expect(toldDigest(other.output)).toBe(pushed)
    expect(other.output.match(/Layer already exists/g)).toHaveLength(image.layers.length)
    expect(recorder.seen.filter((one) => one.method === 'PUT' && one.path.includes('/manifests/'))).not.toHaveLength(0)
    expect(uploads(recorder.seen)).toEqual([])
  })

  it('pulls by tag and by digest what was pushed', async () => {
    for (const reference of [`${repository}:1`, `${repository}@${pushed}`]) {
      await docker('rmi', `${repository}:1`, `${repository}:2`, `${repository}@${pushed}`)
      const pull = await docker('pull', reference)
      expect(pull.code, pull.output).toBe(0)
      expect(toldDigest(pull.output)).toBe(pushed)
      expect(await inspect(reference, '{{.Id}}')).toBe(image.config.digest)
    }
  })

  it('makes and pushes a manifest list out of the images of two platforms', async () => {
    const images = new Map<Architecture, Image>()
    for (const architecture of ['amd64', 'arm64'] as const) {
      const one = await makeImage({ name: 'list', architecture, layerBytes: [50_000] })
      images.set(architecture, one)
      await load(one, `${repository}:1-${architecture}`)
      const push = await docker('push', `${repository}:1-${architecture}`)
      expect(push.code, push.output).toBe(0)
    }
    const parts = [`${repository}:1-amd64`, `${repository}:1-arm64`]
    const created = await docker('manifest', 'create', '--insecure', '-a', `${repository}:both`, ...parts)
    expect(created.code, created.output).toBe(0)
    const listed = await docker('manifest', 'push', '--insecure', `${repository}:both`)
    expect(listed.code, listed.output).toBe(0)
    const client = new RegistryClient(suite.url, basic(developer.name, developer.password))
    const list = await client.getManifest('journey/app', 'both')
    expect(list.headers['content-type']).toBe(DOCKER_LIST)
    expect(list.headers['docker-content-digest']).toBe(listed.stdout.trim())
    for (const [architecture, one] of images) {
      await docker('rmi', `${repository}:both`, `${repository}:1-${architecture}`)
      const pull = await docker('pull', '--platform', `linux/${architecture}`, `${repository}:both`)
      expect(pull.code, pull.output).toBe(0)
      expect(await inspect(`${repository}:both`, '{{.Id}} {{.Architecture}}')).toBe(
        `${one.config.digest} ${architecture}`,
      )
    }
  })

  it('pulls a private image no more after docker logout', async () => {
    const logout = await docker('logout', recorder.host)
    expect(logout.code, logout.output).toBe(0)
    await docker('rmi', `${repository}:1`, `${repository}@${pushed}`)
    const pull = await docker('pull', `${repository}:1`)
    expect(pull.code).not.toBe(0)
    expect(pull.output).toContain('unauthorized to access repository: journey/app, action: pull')
  })
})
