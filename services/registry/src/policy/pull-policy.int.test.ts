import { INDEX_TYPE, indexOf, sha256, someBytes, someImage, type TestImage } from '@berth/testkit'
import { NO_POLICY, type ProjectPolicy, type Severity, verdictSet } from '@berth/types'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { refusalOf } from '../testing/answers.ts'
import type { RegistryClient } from '../testing/registry-client.ts'
import { newProject, type TestProject } from '../testing/test-projects.ts'
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

const COSIGN = 'application/vnd.dev.cosign.artifact.sig.v1+json'
const NOTATION = 'application/vnd.cncf.notary.signature'
const SBOM = 'application/vnd.goharbor.harbor.sbom.v1'
const policy = (over: Partial<ProjectPolicy>): { policy: ProjectPolicy } => ({ policy: { ...NO_POLICY, ...over } })
const violation = (message: unknown) => [412, 'PROJECTPOLICYVIOLATION', message]
const UNSIGNED = violation('The image is not signed by cosign.')

/** Something about a manifest that nothing can be run from; pushed by its digest. */
function attach(client: RegistryClient, type: string, subject: { digest: string; manifest: Buffer }) {
  return attachWith('application/vnd.oci.empty.v1+json', client, type, subject)
}

async function attachWith(
  configType: string,
  client: RegistryClient,
  type: string,
  { digest, manifest }: { digest: string; manifest: Buffer },
): Promise<TestImage> {
  const subject = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest, size: manifest.length }
  const image = someImage([10], { artifactType: type, subject })
  const document = JSON.parse(image.manifest.toString()) as { config: object }
  const bytes = Buffer.from(JSON.stringify({ ...document, config: { ...document.config, mediaType: configType } }))
  const accessory = { ...image, manifest: bytes, digest: sha256(bytes) }
  expect((await client.pushImage(accessory)).status).toBe(201)
  return accessory
}

/** The statuses of a pull by each reference, with GET and HEAD, on both replicas, each once. */
async function statuses(project: TestProject, ...references: string[]): Promise<number[]> {
  const answers = [one, two].flatMap((replica) =>
    references.flatMap((reference) =>
      ['GET', 'HEAD'].map((method) =>
        project.client(replica, 'app', ['pull']).fetch(`manifests/${reference}`, { method }),
      ),
    ),
  )
  return [...new Set((await Promise.all(answers)).map(({ status }) => status))]
}

const refusal = async (project: TestProject, reference: string, headers = {}) =>
  refusalOf(await project.client(two).fetch(`manifests/${reference}`, { headers }))

let looked = 0

async function verdict(
  { now }: TestProject,
  { digest }: TestImage,
  severity: Severity,
  cves: Record<string, Severity> = {},
): Promise<void> {
  await world.bus.ask(verdictSet, {
    project: { id: now.id, accessRevision: now.accessRevision },
    repository: `${now.name}/app`,
    digest,
    scanner: 'scanner-1',
    severity,
    summary: null,
    cves,
    scannedAt: new Date().toISOString(),
    revision: ++looked,
  })
}

describe('a project that wants signatures', () => {
  it('lets nobody pull what has none, whatever the client says it is', async () => {
    const project = await newProject(world)
    const app = project.client(one)
    const image = someImage()
    await app.pushImage(image, '1')
    expect(await statuses(project, '1', image.digest)).toEqual([200])
    await project.change(policy({ contentTrustCosign: true }))
    expect(await statuses(project, '1', image.digest)).toEqual([412])
    for (const agent of ['cosign/3.1.1', 'notation', 'harbor-registry-client', 'docker/28']) {
      for (const reference of ['1', image.digest]) {
        expect(await refusal(project, reference, { 'user-agent': agent })).toEqual(UNSIGNED)
      }
    }
    const etag = { 'if-none-match': `"${image.digest}"` }
    expect((await app.fetch('manifests/1', { headers: etag })).status).toBe(412)
    // It may still be pushed, and what is not there is not there.
    expect((await app.putManifest('2', image.manifest)).status).toBe(201)
    expect(await statuses(project, '3')).toEqual([404])
  })

  it('wants each in its own way, and lets the signatures themselves be pulled', async () => {
    const project = await newProject(world, policy({ contentTrustCosign: true, contentTrust: true }))
    const app = project.client(one)
    const image = someImage()
    await app.pushImage(image, '1')
    await attach(app, 'application/vnd.example.note', image)
    expect(await refusal(project, '1')).toEqual(UNSIGNED)
    const cosign = await attach(app, COSIGN, image)
    expect(await refusal(project, '1')).toEqual(violation('The image is not signed by notation.'))
    const notation = await attach(app, NOTATION, image)
    expect(await statuses(project, '1', image.digest, cosign.digest, notation.digest)).toEqual([200])
    expect((await app.fetch(`manifests/${cosign.digest}`, { method: 'DELETE' })).status).toBe(202)
    expect(await statuses(project, '1', image.digest)).toEqual([412])
    await project.change(policy({ contentTrust: true }))
    expect(await statuses(project, '1', image.digest)).toEqual([200])
    await project.change(policy({}))
    expect((await app.fetch(`manifests/${notation.digest}`, { method: 'DELETE' })).status).toBe(202)
    expect(await statuses(project, '1')).toEqual([200])
  })

  it('takes the signature of an index for what it names, at any depth, and for nothing else', async () => {
    const project = await newProject(world, policy({ contentTrustCosign: true }))
    const app = project.client(one)
    const images = [someImage([10]), someImage([10]), someImage([10])] as const
    for (const image of images) await app.pushImage(image)
    const inner = indexOf([images[0]])
    const innerAsChild = { ...images[0], ...inner }
    await app.putManifest(inner.digest, inner.manifest, INDEX_TYPE)
    const outer = indexOf([images[1]])
    const document = JSON.parse(outer.manifest.toString()) as { manifests: object[] }
    document.manifests.push({ mediaType: INDEX_TYPE, digest: innerAsChild.digest, size: innerAsChild.manifest.length })
    const manifest = Buffer.from(JSON.stringify(document))
    const nested = { manifest, digest: sha256(manifest) }
    expect((await app.putManifest('multi', manifest, INDEX_TYPE)).status).toBe(201)
    const all = ['multi', nested.digest, inner.digest, images[0].digest, images[1].digest]
    expect(await statuses(project, ...all, images[2].digest)).toEqual([412])
    await attach(app, COSIGN, nested)
    expect(await statuses(project, ...all)).toEqual([200])
    expect(await statuses(project, images[2].digest)).toEqual([412])
    // A signature of a child says nothing of its index, and one in another repository nothing of this one.
    const other = project.client(one, 'other')
    for (const image of images) await other.pushImage(image)
    expect((await other.putManifest('i', outer.manifest, INDEX_TYPE)).status).toBe(201)
    await attach(other, COSIGN, images[1])
    expect((await other.fetch(`manifests/${images[1].digest}`)).status).toBe(200)
    expect((await other.fetch('manifests/i')).status).toBe(412)
    expect((await other.fetch(`manifests/${images[0].digest}`)).status).toBe(412)
  })
})

describe('a project that prevents vulnerable images', () => {
  it('lets nothing be pulled while there is no scanner, and nothing it has not looked at', async () => {
    const project = await newProject(world)
    const image = someImage()
    await project.client(one).pushImage(image, '1')
    await verdict(project, image, 'none')
    await project.change(policy({ preventVulnerableFrom: 'critical' }))
    expect(await statuses(project, '1', image.digest)).toEqual([412])
    const text = `no scanner registration configured for project: ${project.now.id}`
    expect(await refusal(project, '1')).toEqual(violation(text))
    await project.change(policy({ preventVulnerableFrom: 'critical', scanner: 'scanner-2' }))
    expect(await refusal(project, '1', { 'user-agent': 'cosign' })).toEqual(
      violation(
        expect.stringMatching(/^current image without vulnerability scanning cannot be pulled .* of "Critical" or/),
      ),
    )
    await project.change(policy({ preventVulnerableFrom: 'critical', scanner: 'scanner-1' }))
    expect(await statuses(project, '1', image.digest)).toEqual([200])
  })

  it('goes by the worst that is on no allowlist, as long as that lasts', async () => {
    const project = await newProject(world)
    const image = someImage()
    await project.client(one).pushImage(image, '1')
    const from = (preventVulnerableFrom: Severity, over: Partial<ProjectPolicy> = {}) =>
      project.change(policy({ preventVulnerableFrom, scanner: 'scanner-1', ...over }))
    await verdict(project, image, 'high', { 'CVE-1': 'high', 'CVE-2': 'medium', 'CVE-3': 'low' })
    await from('critical')
    expect(await statuses(project, '1')).toEqual([200])
    await from('high')
    expect(await statuses(project, '1', image.digest)).toEqual([412])
    expect(await refusal(project, '1')).toEqual(
      violation(
        `current image with 3 vulnerabilities cannot be pulled due to configured policy in 'Prevent images with ` +
          `vulnerability severity of "High" or higher from running.' To continue with pull, please contact your ` +
          'project administrator to exempt matched vulnerabilities through configuring the CVE allowlist.',
      ),
    )
    await from('high', { cveAllowlist: ['CVE-1', 'CVE-9'] })
    expect(await statuses(project, '1')).toEqual([200])
    await from('medium', { cveAllowlist: ['CVE-1'] })
    expect(await refusal(project, '1')).toEqual(violation(expect.stringContaining('with 2 vulnerabilities')))
    await from('medium', { cveAllowlist: ['CVE-1', 'CVE-2'], cveAllowlistUntil: '2100-01-01T00:00:00Z' })
    expect(await statuses(project, '1')).toEqual([200])
    await from('medium', { cveAllowlist: ['CVE-1', 'CVE-2'], cveAllowlistUntil: '2001-01-01T00:00:00Z' })
    expect(await statuses(project, '1')).toEqual([412])
    await from('none', { cveAllowlist: ['CVE-1', 'CVE-2', 'CVE-3'] })
    expect(await statuses(project, '1')).toEqual([200])
    // A severity that is not said in CVEs cannot be allowed.
    await verdict(project, image, 'high')
    await from('high', { cveAllowlist: ['CVE-1'] })
    expect(await statuses(project, '1')).toEqual([412])
    // Nor one that none of the CVEs has which were said.
    await verdict(project, image, 'critical', { 'CVE-1': 'low' })
    expect(await statuses(project, '1')).toEqual([412])
    await verdict(project, image, 'none')
    await from('none')
    expect(await statuses(project, '1')).toEqual([200])
    await verdict(project, image, 'low', { 'CVE-3': 'low' })
    expect(await statuses(project, '1')).toEqual([412])
    expect(await refusal(project, '1')).toEqual(violation(expect.stringContaining('with 1 vulnerability cannot')))
  })

  it('judges the children of an index and lets the index, signatures and SBOMs through', async () => {
    const project = await newProject(world, policy({ preventVulnerableFrom: 'low', scanner: 'scanner-1' }))
    const app = project.client(one)
    const [sound, bad] = [someImage([10]), someImage([10])]
    for (const image of [sound, bad]) await app.pushImage(image)
    const index = indexOf([sound, bad])
    expect((await app.putManifest('i', index.manifest, INDEX_TYPE)).status).toBe(201)
    await verdict(project, sound, 'none')
    await verdict(project, bad, 'critical')
    const accessories = [await attach(app, COSIGN, bad), await attach(app, NOTATION, bad), await attach(app, SBOM, bad)]
    const through = ['i', index.digest, sound.digest, ...accessories.map(({ digest }) => digest)]
    expect(await statuses(project, ...through)).toEqual([200])
    expect(await statuses(project, bad.digest)).toEqual([412])
    // Anything else about an image may be one itself.
    expect(await statuses(project, (await attach(app, 'application/vnd.example.note', bad)).digest)).toEqual([412])
    // An image is one, whatever it calls itself.
    for (const type of [COSIGN, NOTATION, SBOM]) {
      const disguised = await attachWith('application/vnd.oci.image.config.v1+json', app, type, bad)
      expect(await statuses(project, disguised.digest)).toEqual([412])
    }
    const blob = someBytes(10)
    await app.postBlob(blob)
    const cache = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: INDEX_TYPE,
        manifests: [{ mediaType: 'application/octet-stream', digest: sha256(blob), size: blob.length }],
      }),
    )
    expect((await app.putManifest('cache', cache, INDEX_TYPE)).status).toBe(201)
    expect(await statuses(project, 'cache')).toEqual([412])
  })
})

describe('a policy', () => {
  it('is no yes when it cannot be looked up', async () => {
    const project = await newProject(world, policy({ preventVulnerableFrom: 'high', scanner: 'scanner-1' }))
    const image = someImage()
    await project.client(one).pushImage(image, '1')
    await verdict(project, image, 'none')
    expect(await statuses(project, '1')).toEqual([200])
    await world.sql('ALTER TABLE registry.artifact_verdict RENAME TO away')
    try {
      expect(await statuses(project, '1', image.digest)).toEqual([500])
    } finally {
      await world.sql('ALTER TABLE registry.away RENAME TO artifact_verdict')
    }
    expect(await statuses(project, '1')).toEqual([200])
  })

  it('holds on every replica from the answer to its change on, over and over', async () => {
    const project = await newProject(world)
    const image = someImage()
    await project.client(one).pushImage(image, '1')
    for (let round = 0; round < 5; round++) {
      await project.change(policy({ contentTrustCosign: true }))
      expect(await statuses(project, '1', image.digest)).toEqual([412])
      await project.change(policy({}))
      expect(await statuses(project, '1', image.digest)).toEqual([200])
      await project.change(policy({ preventVulnerableFrom: 'low' }))
      expect(await statuses(project, '1', image.digest)).toEqual([412])
      await project.change(policy({}))
      expect(await statuses(project, '1', image.digest)).toEqual([200])
    }
  })
})
