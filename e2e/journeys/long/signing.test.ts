import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Api, type Person, ROLE } from '../../src/api.ts'
import { type Command, openCommand } from '../../src/clients/command.ts'
import { makeImage } from '../../src/images/image.ts'
import { getToken, RegistryClient } from '../../src/registry-client.ts'
import { openScratch, removeScratch } from '../../src/scratch.ts'
import { type Suite, startSuite } from '../../src/suite.ts'
import { openTools, type Tools } from '../../tools/install.ts'

const OVER_HTTP = ['--allow-http-registry', '--allow-insecure-registry']
/** With a key at hand nobody outside is asked: no transparency log, no certificate authority. */
const ALONE = ['--insecure-ignore-tlog', '--private-infrastructure', ...OVER_HTTP]

describe('signatures and builds, with cosign, notation and buildah', () => {
  let home: string
  let suite: Suite
  let person: Person
  let tools: Tools
  let client: RegistryClient

  beforeAll(async () => {
    home = await openScratch()
    tools = await openTools(true)
    suite = await startSuite()
    const admin = Api.admin(suite)
    person = await admin.createUser('signe')
    await admin.createProject('signed')
    await admin.addMember('signed', person, ROLE.maintainer)
    const scopes = ['app', 'older', 'notary', 'built'].map((name) => `repository:signed/${name}:pull,push`)
    const token = await getToken(suite.url, { user: person.name, password: person.password, scopes })
    client = new RegistryClient(suite.url, `Bearer ${token}`)
  })

  afterAll(async () => {
    await suite?.stop()
    await removeScratch(home)
  })

  /** Pushes an image and returns how a client names it by digest. */
  const pushed = async (repository: string): Promise<{ reference: string; digest: string }> => {
    const image = await makeImage({ name: repository, layerBytes: [5000] })
    await client.pushImage(`signed/${repository}`, '1', image)
    const { digest } = image.manifest
    return { reference: `${suite.host}/signed/${repository}@${digest}`, digest }
  }
  const openCosign = async (settings: NodeJS.ProcessEnv = {}): Promise<Command> => {
    const cosign = await openCommand(tools, 'cosign', join(home, 'cosign'), {
      COSIGN_PASSWORD: 'of-the-tests',
      ...settings,
    })
    await cosign.fed(person.password, 'login', '--username', person.name, '--password-stdin', suite.host)
    return cosign
  }
  const key = (): string => join(home, 'cosign', 'cosign.key')
  const publicKey = (): string => join(home, 'cosign', 'cosign.pub')

  it('cosign signs beside the image with a tag, and only a signed image verifies', async () => {
    const cosign = await openCosign()
    await cosign('generate-key-pair')
    const { reference, digest } = await pushed('older')
    const early = await cosign.tried('verify', '--key', publicKey(), ...ALONE, reference)
    expect(early.code, early.output).not.toBe(0)
    await cosign('sign', '--yes', '--key', key(), '--tlog-upload=false', ...OVER_HTTP, reference)
    expect(await cosign('verify', '--key', publicKey(), ...ALONE, reference)).toContain(digest)
    const tags = await client.getManifest('signed/older', `${digest.replace(':', '-')}.sig`)
    expect(tags.status).toBe(200)
  })

  it('cosign attests beside the image, and the attestation verifies', async () => {
    const cosign = await openCosign()
    const { reference } = await pushed('older')
    const predicate = join(home, 'predicate.json')
    await writeFile(predicate, '{"tested":true}')
    const type = ['--type', 'https://example.com/tested']
    await cosign(
      'attest',
      '--yes',
      '--key',
      key(),
      '--tlog-upload=false',
      ...OVER_HTTP,
      '--predicate',
      predicate,
      ...type,
      reference,
    )
    await cosign('verify-attestation', '--key', publicKey(), ...ALONE, ...type, reference)
  })

  it('cosign signs as a referrer, as OCI 1.1 has it, and finds the signature there', async () => {
    const cosign = await openCosign({ COSIGN_EXPERIMENTAL: '1' })
    const { reference, digest } = await pushed('app')
    const mode = ['--registry-referrers-mode=oci-1-1']
    await cosign('sign', '--yes', '--key', key(), '--tlog-upload=false', ...mode, ...OVER_HTTP, reference)
    await cosign('verify', '--key', publicKey(), '--experimental-oci11', ...ALONE, reference)
    expect((await client.getManifest('signed/app', `${digest.replace(':', '-')}.sig`)).status).toBe(404)
  })

  it('notation signs as a referrer and verifies by its trust policy', async () => {
    const config = join(home, 'notation')
    const notation = await openCommand(tools, 'notation', config, {
      NOTATION_USERNAME: person.name,
      NOTATION_PASSWORD: person.password,
    })
    await notation('cert', 'generate-test', '--default', 'tests')
    await mkdir(join(config, 'notation'), { recursive: true })
    await writeFile(
      join(config, 'notation', 'trustpolicy.json'),
      JSON.stringify({
        version: '1.0',
        trustPolicies: [
          {
            name: 'tests',
            registryScopes: ['*'],
            signatureVerification: { level: 'strict' },
            trustStores: ['ca:tests'],
            trustedIdentities: ['*'],
          },
        ],
      }),
    )
    const { reference } = await pushed('notary')
    expect((await notation.tried('verify', '--insecure-registry', reference)).code).not.toBe(0)
    await notation('sign', '--insecure-registry', reference)
    await notation('verify', '--insecure-registry', reference)
    expect(await notation('list', '--insecure-registry', reference)).toContain('sha256:')
  })

  it('buildah builds an image for two platforms, pushes the list, and pulls it back', async () => {
    const root = join(home, 'buildah')
    await mkdir(root)
    await writeFile(join(root, 'policy.json'), '{"default":[{"type":"insecureAcceptAnything"}]}')
    await writeFile(join(root, 'Containerfile'), 'FROM scratch\nCOPY hello /hello\nLABEL of=tests\n')
    await writeFile(join(root, 'hello'), 'hello')
    await writeFile(join(root, 'config.json'), '{}')
    const flags = ['--storage-driver', 'vfs', '--root', join(root, 'graph'), '--runroot', join(root, 'run')]
    const buildah = await openCommand(tools, 'buildah', root, { BUILDAH_ISOLATION: 'chroot', TMPDIR: root })
    const does = (verb: string, ...args: string[]): Promise<string> => buildah(...flags, verb, ...args)
    const policy = ['--signature-policy', join(root, 'policy.json')]
    const access = ['--tls-verify=false', '--creds', `${person.name}:${person.password}`, ...policy]
    const at = `docker://${suite.host}/signed/built:1`
    await does('build', ...policy, '--platform', 'linux/amd64,linux/arm64', '--manifest', 'built', root)
    await does('manifest', 'push', '--all', ...access, 'built', at)
    const answer = await client.getManifest('signed/built', '1')
    expect(answer.json<{ manifests: unknown[] }>().manifests).toHaveLength(2)
    await does('pull', ...access, at)
  })
})
