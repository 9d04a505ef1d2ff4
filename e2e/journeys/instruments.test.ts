import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDocker, toldDigest } from '../src/clients/docker.ts'
import { type Dockerd, startDockerd } from '../src/clients/dockerd.ts'
import { openPodman } from '../src/clients/podman.ts'
import { openSkopeo } from '../src/clients/skopeo.ts'
import { noiseBlob } from '../src/images/blob.ts'
import { makeImage, makeIndex } from '../src/images/image.ts'
import { writeDockerArchive, writeOciLayout } from '../src/images/on-disk.ts'
import { startDockerRegistry } from '../src/peers/docker-registry.ts'
import { startNginx } from '../src/peers/nginx.ts'
import type { Peer } from '../src/peers/peer.ts'
import { RegistryClient } from '../src/registry-client.ts'
import { openScratch, removeScratch } from '../src/scratch.ts'
import { openTools, type Tools } from '../tools/install.ts'

// When a journey fails and this file passes, it is the suite and not the client.
describe('the instruments, against a registry that is not ours', () => {
  let home: string
  let tools: Tools
  let registry: Peer
  let nginx: Peer
  let dockerd: Dockerd
  let host: string

  beforeAll(async () => {
    home = await openScratch()
    tools = await openTools()
    registry = await startDockerRegistry(tools, home)
    nginx = await startNginx(tools, home, { upstream: registry.url })
    dockerd = await startDockerd(tools)
    host = new URL(nginx.url).host
  })

  afterAll(async () => {
    await dockerd?.stop()
    await nginx?.stop()
    await registry?.stop()
    await removeScratch(home)
  })

  it('docker loads a made image, pushes it, and pulls the same image by digest', async () => {
    const docker = await openDocker(tools, dockerd, join(home, 'docker'))
    const image = await makeImage({ name: 'instrument', layerBytes: [10_000, 200_000] })
    const tag = `${host}/try/docker:1`
    await writeDockerArchive(join(home, 'image.tar'), image, [tag])
    expect(await docker('load', '-i', join(home, 'image.tar'))).toMatchObject({ code: 0 })
    const push = await docker('push', tag)
    expect(push.code, push.output).toBe(0)
    expect((await docker('rmi', tag)).code).toBe(0)
    const pull = await docker('pull', `${host}/try/docker@${toldDigest(push.output)}`)
    expect(pull.code, pull.output).toBe(0)
    const inspected = await docker(
      'image',
      'inspect',
      '--format',
      '{{.Id}}',
      `${host}/try/docker@${toldDigest(push.output)}`,
    )
    expect(inspected.stdout.trim()).toBe(image.config.digest)
  })

  it('skopeo copies a two-platform layout byte for byte, podman pulls it', async () => {
    const skopeo = await openSkopeo(tools, join(home, 'skopeo'))
    const podman = await openPodman(tools, join(home, 'podman'))
    const index = makeIndex([
      await makeImage({ name: 'two', architecture: 'amd64' }),
      await makeImage({ name: 'two', architecture: 'arm64' }),
    ])
    const layout = await writeOciLayout(join(home, 'layout'), index, 'latest')
    const to = `docker://${host}/try/two:1`
    const flags = ['--all', '--preserve-digests', '--dest-tls-verify=false']
    const copy = await skopeo('copy', ...flags, `oci:${layout}:latest`, to)
    expect(copy.code, copy.output).toBe(0)
    const raw = await skopeo('inspect', '--raw', '--tls-verify=false', to)
    expect(raw.stdout).toBe((await index.manifest.open().toArray()).join(''))
    const pull = await podman('pull', '--tls-verify=false', `${host}/try/two:1`)
    expect(pull.code, pull.output).toBe(0)
  })

  it('the raw client pushes in both ways and finds every digest again', async () => {
    const client = new RegistryClient(nginx.url)
    const image = await makeImage({ name: 'raw', layerBytes: [3_000_000] })
    await client.pushImage('try/raw', '1', image)
    const blob = await noiseBlob(5_000_000, 'raw')
    await client.streamBlob('try/raw', blob)
    expect(await client.pullBlob('try/raw', blob.digest)).toBe(5_000_000)
    const pulled = await client.pullImage('try/raw', '1')
    expect(pulled.digest).toBe(image.manifest.digest)
    await expect(client.pullBlob('try/raw', `sha256:${'0'.repeat(64)}`)).rejects.toMatchObject({ status: 404 })
  })
})
