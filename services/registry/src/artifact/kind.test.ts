import { digestOf, parseManifest } from '@berth/oci'
import { describe, expect, it } from 'vitest'
import { kindOf } from './kind.ts'
import { readManifest } from './read-manifest.ts'

const OCI = 'application/vnd.oci.image.manifest.v1+json'
const INDEX = 'application/vnd.oci.image.index.v1+json'
const DOCKER = 'application/vnd.docker.distribution.manifest.v2+json'
const LIST = 'application/vnd.docker.distribution.manifest.list.v2+json'
const EMPTY = 'application/vnd.oci.empty.v1+json'

function descriptor(mediaType: string, more: Record<string, unknown> = {}) {
  return { mediaType, digest: digestOf(Buffer.from(mediaType)), size: 10, ...more }
}

function parsed(mediaType: string, more: Record<string, unknown>) {
  return parseManifest(Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...more })), mediaType)
}

const image = (config: string, more: Record<string, unknown> = {}, mediaType = OCI) =>
  parsed(mediaType, { config: descriptor(config), layers: [], ...more })
const index = (more: Record<string, unknown> = {}, mediaType = INDEX) => parsed(mediaType, { manifests: [], ...more })

describe('the kind of an artifact', () => {
  it.each([
    ['an OCI image', image('application/vnd.oci.image.config.v1+json'), 'IMAGE'],
    ['a Docker image', image('application/vnd.docker.container.image.v1+json', {}, DOCKER), 'IMAGE'],
    ['an OCI index', index(), 'IMAGE'],
    ['a Docker manifest list', index({}, LIST), 'IMAGE'],
    ['a Helm chart', image('application/vnd.cncf.helm.config.v1+json'), 'CHART'],
    [
      'a CNAB by annotation',
      index({ annotations: { 'org.opencontainers.artifactType': 'application/vnd.cnab.manifest.v1' } }),
      'CNAB',
    ],
    ['a CNAB by artifact type', index({ artifactType: 'application/vnd.cnab.manifest.v1' }), 'CNAB'],
    ['an index of something else', index({ artifactType: 'application/vnd.example' }), 'UNKNOWN'],
    ['a WebAssembly module', image('application/vnd.wasm.config.v1+json'), 'WASM'],
    ['a WebAssembly component', image('application/vnd.wasm.config.v0+json'), 'WASM'],
    [
      'a compat image',
      image('application/vnd.oci.image.config.v1+json', { annotations: { 'module.wasm.image/variant': 'compat' } }),
      'WASM',
    ],
    [
      'an image with a WebAssembly handler',
      image('application/vnd.oci.image.config.v1+json', { annotations: { 'run.oci.handler': 'wasm' } }),
      'WASM',
    ],
    ['an SBOM by artifact type', image(EMPTY, { artifactType: 'application/vnd.goharbor.harbor.sbom.v1' }), 'SBOM'],
    ['an SBOM by config', image('application/vnd.goharbor.harbor.sbom.v1'), 'SBOM'],
    [
      'a model',
      image('application/vnd.cncf.model.config.v1+json', {
        artifactType: 'application/vnd.cncf.model.manifest.v1+json',
      }),
      'CNAI',
    ],
    ['a model of the older name', image('application/vnd.cnai.model.config.v1+json'), 'CNAI'],
    [
      'a tag-scheme cosign signature',
      image('application/vnd.oci.image.config.v1+json', {
        layers: [descriptor('application/vnd.dev.cosign.simplesigning.v1+json')],
      }),
      'IMAGE',
    ],
    ['a cosign signature of OCI 1.1', image('application/vnd.dev.cosign.artifact.sig.v1+json'), 'UNKNOWN'],
    ['a sigstore bundle', image(EMPTY, { artifactType: 'application/vnd.dev.sigstore.bundle.v0.3+json' }), 'UNKNOWN'],
    ['a notation signature', image(EMPTY, { artifactType: 'application/vnd.cncf.notary.signature' }), 'UNKNOWN'],
    ['what names its type', image('application/vnd.caicloud.model.config.v1alpha1+json'), 'MODEL'],
    ['what names a longer type', image('application/vnd.acme.rocket.engine.config.v2+json'), 'ROCKET.ENGINE'],
    [
      'what names its type beside an artifact type',
      image('application/vnd.acme.rocket.config.v2+json', { artifactType: 'application/vnd.acme' }),
      'ROCKET',
    ],
    [
      'an image with an artifact type',
      image('application/vnd.oci.image.config.v1+json', { artifactType: 'application/vnd.acme' }),
      'IMAGE',
    ],
    ['a Docker plugin', image('application/vnd.docker.plugin.v1+json', {}, DOCKER), 'UNKNOWN'],
    ['an empty config', image(EMPTY), 'UNKNOWN'],
    ['an unknown media type', parseManifest(Buffer.from('{}'), 'application/vnd.example+json'), 'UNKNOWN'],
  ])('of %s is said by its manifest', (_, manifest, kind) => {
    expect(kindOf(manifest)).toBe(kind)
  })

  it('of a Docker image of the first schema, taken over from elsewhere, is an image', () => {
    const type = 'application/vnd.docker.distribution.manifest.v1+prettyjws'
    expect(kindOf(readManifest(Buffer.from('{"schemaVersion":1}'), type))).toBe('IMAGE')
  })

  it('is found in linear time and holds nothing a table could not', () => {
    const long = image(EMPTY, { artifactType: `application/vnd.a.${'.config.'.repeat(100_000)}+json` })
    expect(kindOf(long)).toBe('UNKNOWN')
    expect(kindOf(image('application/vnd.a.b\u0000.config.v1+json'))).toBe('UNKNOWN')
  })
})
