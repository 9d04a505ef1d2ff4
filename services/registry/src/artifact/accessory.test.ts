import { type Digest, digestOf, type Manifest, parseManifest } from '@berth/oci'
import { describe, expect, it } from 'vitest'
import { accessoryOf, fallbackTagOf, namesSubject } from './accessory.ts'

const OCI = 'application/vnd.oci.image.manifest.v1+json'
const INDEX = 'application/vnd.oci.image.index.v1+json'
const IMAGE_CONFIG = 'application/vnd.oci.image.config.v1+json'
const DOCKER_CONFIG = 'application/vnd.docker.container.image.v1+json'
const EMPTY = 'application/vnd.oci.empty.v1+json'
const BUNDLE = 'application/vnd.dev.sigstore.bundle.v0.3+json'
const COSIGN_LAYER = 'application/vnd.dev.cosign.simplesigning.v1+json'
const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip'
const OWN = digestOf(Buffer.from('own'))
const SUBJECT = digestOf(Buffer.from('subject'))
const SCHEME = SUBJECT.replace(':', '-')

function descriptor(mediaType: string, more: Record<string, unknown> = {}) {
  return { mediaType, digest: digestOf(Buffer.from(mediaType)), size: 10, ...more }
}

function parsed(mediaType: string, more: Record<string, unknown>) {
  return parseManifest(Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...more })), mediaType)
}

const image = (config: string, more: Record<string, unknown> = {}) =>
  parsed(OCI, { config: descriptor(config), layers: [], ...more })
const referring = (config: string, more: Record<string, unknown> = {}) =>
  image(config, { subject: { mediaType: OCI, digest: SUBJECT, size: 7 }, ...more })
const nydusLayer = descriptor(IMAGE_CONFIG, { annotations: { 'containerd.io/snapshot/nydus-bootstrap': 'true' } })
const nydusSource = { 'io.goharbor.artifact.v1alpha1.acceleration.source.digest': SUBJECT }

describe('an accessory', () => {
  it.each([
    ['notation', referring(EMPTY, { artifactType: 'application/vnd.cncf.notary.signature' }), 'signature.notation'],
    ['notation by config', referring('application/vnd.cncf.notary.signature'), 'signature.notation'],
    ['cosign as artifact', referring('application/vnd.dev.cosign.artifact.sig.v1+json'), 'signature.cosign'],
    [
      'a signature bundle',
      referring(EMPTY, { artifactType: BUNDLE, annotations: { 'dev.sigstore.bundle.content': 'message-signature' } }),
      'signature.cosign',
    ],
    [
      'a signing bundle',
      referring(EMPTY, {
        artifactType: BUNDLE,
        annotations: {
          'dev.sigstore.bundle.content': 'dsse-envelope',
          'dev.sigstore.bundle.predicateType': 'https://sigstore.dev/cosign/sign/v1',
        },
      }),
      'signature.cosign',
    ],
    [
      'an attestation bundle',
      referring(EMPTY, {
        artifactType: BUNDLE,
        annotations: {
          'dev.sigstore.bundle.content': 'dsse-envelope',
          'dev.sigstore.bundle.predicateType': 'https://slsa.dev/provenance/v1',
        },
      }),
      'subject.accessory',
    ],
    ['a bundle that does not say', referring(EMPTY, { artifactType: BUNDLE }), 'subject.accessory'],
    ['an SBOM', referring(EMPTY, { artifactType: 'application/vnd.goharbor.harbor.sbom.v1' }), 'sbom.harbor'],
    ['Nydus with a subject', referring(IMAGE_CONFIG, { layers: [nydusLayer] }), 'accelerator.nydus'],
    [
      'Nydus with its source',
      image(IMAGE_CONFIG, { layers: [nydusLayer], annotations: nydusSource }),
      'accelerator.nydus',
    ],
    ['an image with a subject', referring(IMAGE_CONFIG), 'subject.accessory'],
    ...['vnd.cncf.notary.signature', 'vnd.dev.cosign.artifact.sig.v1+json', 'vnd.goharbor.harbor.sbom.v1'].map(
      (type): [string, Manifest, string] => [
        `an image that calls itself ${type}`,
        referring(IMAGE_CONFIG, { artifactType: `application/${type}` }),
        'subject.accessory',
      ],
    ),
    [
      'an image that calls itself a signature bundle',
      referring(DOCKER_CONFIG, {
        artifactType: BUNDLE,
        annotations: { 'dev.sigstore.bundle.content': 'message-signature' },
      }),
      'subject.accessory',
    ],
    [
      'an index with a subject',
      parsed(INDEX, { manifests: [], subject: { mediaType: OCI, digest: SUBJECT, size: 7 } }),
      'subject.accessory',
    ],
  ])('is told by its manifest: %s', (_, manifest, type) => {
    expect(accessoryOf(manifest, OWN, [])).toEqual({ type, of: SUBJECT })
  })

  it.each([
    ['a signature', image(IMAGE_CONFIG, { layers: [descriptor(COSIGN_LAYER)] }), '.sig', 'signature.cosign'],
    ['an attestation', image(IMAGE_CONFIG), '.att', 'subject.accessory'],
    ['an SBOM', image(IMAGE_CONFIG), '.sbom', 'subject.accessory'],
    ['a list of referrers', parsed(INDEX, { manifests: [] }), '', 'subject.accessory'],
  ])('is told by its tag: %s', (_, manifest, suffix, type) => {
    expect(accessoryOf(manifest, OWN, ['latest', `${SCHEME}${suffix}`])).toEqual({ type, of: SUBJECT })
    expect(accessoryOf(manifest, OWN, ['latest'])).toBeUndefined()
  })

  it('is nothing that is merely called a signature, or a list of referrers', () => {
    expect(accessoryOf(image(IMAGE_CONFIG), OWN, [`${SCHEME}.sig`])).toBeUndefined()
    const mixed = image(IMAGE_CONFIG, { layers: [descriptor(COSIGN_LAYER), descriptor(LAYER)] })
    expect(accessoryOf(mixed, OWN, [`${SCHEME}.sig`])).toBeUndefined()
    expect(accessoryOf(image(IMAGE_CONFIG), OWN, [SCHEME])).toBeUndefined()
    expect(accessoryOf(parsed(INDEX, { manifests: [] }), OWN, [`${SCHEME}.sig`])).toBeUndefined()
  })

  it('is nothing of itself', () => {
    expect(accessoryOf(image(IMAGE_CONFIG), SUBJECT, [`${SCHEME}.att`])).toBeUndefined()
  })

  it('belongs to its subject rather than to what its tag names', () => {
    const other = digestOf(Buffer.from('other')).replace(':', '-')
    expect(accessoryOf(referring(IMAGE_CONFIG), OWN, [`${other}.att`])?.of).toBe(SUBJECT)
  })
})

describe('a tag', () => {
  it('names a subject in the schemes of cosign and of referrers only', () => {
    expect([SCHEME, `${SCHEME}.sig`, `${SCHEME}.att`, `${SCHEME}.sbom`].map(namesSubject)).not.toContain(false)
    expect(['latest', 'sha256-abc', `${SCHEME}.other`, `x${SCHEME}`].map(namesSubject)).not.toContain(true)
  })

  it('of the referrers schema is cut as the specification cuts it', () => {
    expect(fallbackTagOf(SUBJECT)).toBe(SCHEME)
    expect(fallbackTagOf(`sha512:${'a'.repeat(128)}` as Digest)).toBe(`sha512-${'a'.repeat(64)}`)
  })
})
