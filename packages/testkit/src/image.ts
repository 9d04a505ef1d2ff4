import { createHash, randomBytes } from 'node:crypto'

export const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json'
export const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json'

export interface TestImage {
  manifest: Buffer
  /** Of the manifest. */
  digest: string
  config: Buffer
  layers: Buffer[]
}

export interface TestIndex {
  manifest: Buffer
  /** Of the manifest. */
  digest: string
}

/** The digest a registry knows these bytes by. */
export function sha256(bytes: Uint8Array | string): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

/** Bytes nobody has pushed before. */
export function someBytes(length: number): Buffer {
  return randomBytes(length)
}

/** An image of random layers of these lengths; `extra` overrides and adds to its manifest. */
export function someImage(layerLengths: readonly number[] = [1000], extra: Record<string, unknown> = {}): TestImage {
  const config = Buffer.from(
    JSON.stringify({ architecture: 'amd64', os: 'linux', nonce: someBytes(8).toString('hex') }),
  )
  const layers = layerLengths.map(someBytes)
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST_TYPE,
      config: descriptor('application/vnd.oci.image.config.v1+json', config),
      layers: layers.map((layer) => descriptor('application/vnd.oci.image.layer.v1.tar+gzip', layer)),
      ...extra,
    }),
  )
  return { manifest, digest: sha256(manifest), config, layers }
}

/** An index of these images, in their order. */
export function indexOf(images: readonly TestImage[]): TestIndex {
  const manifests = images.map((image) => descriptor(MANIFEST_TYPE, image.manifest))
  const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests }))
  return { manifest, digest: sha256(manifest) }
}

function descriptor(mediaType: string, bytes: Buffer) {
  return { mediaType, digest: sha256(bytes), size: bytes.length }
}
