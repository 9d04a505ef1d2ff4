import { type Blob, blobOf, blobOfSource, jsonBlob, noise } from './blob.ts'
import { fileEntry, tar } from './tar.ts'

export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const OCI_INDEX = 'application/vnd.oci.image.index.v1+json'
export const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json'

export type Architecture = 'amd64' | 'arm64'

export interface Image {
  architecture: Architecture
  config: Blob
  layers: Blob[]
  /** The manifest's bytes as they are pushed by a raw client. */
  manifest: Blob
  mediaType: string
}

export interface ImageIndex {
  images: Image[]
  manifest: Blob
  mediaType: string
}

export interface ImageWish {
  /** Told apart by it: two images of the same name, seed and sizes are the same bytes. */
  name: string
  architecture?: Architecture
  /** One layer per number: a tar holding one file of so many incompressible bytes. */
  layerBytes?: readonly number[]
}

/** An image without a base: each layer an uncompressed tar, the manifest an OCI one. */
export async function makeImage(wish: ImageWish): Promise<Image> {
  const architecture = wish.architecture ?? 'amd64'
  const layers = await Promise.all(
    (wish.layerBytes ?? [1024]).map((sizeBytes, index) =>
      blobOfSource(() =>
        tar([
          fileEntry('image', `${wish.name} ${architecture} layer ${index}\n`),
          { name: `file-${index}`, sizeBytes, bytes: () => noise(sizeBytes, `${wish.name}/${architecture}/${index}`) },
        ]),
      ),
    ),
  )
  const config = jsonBlob({
    architecture,
    os: 'linux',
    created: '2026-01-01T00:00:00Z',
    config: { Cmd: ['/file-0'], Labels: { name: wish.name } },
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.digest) },
    history: layers.map(() => ({ created: '2026-01-01T00:00:00Z', created_by: wish.name })),
  })
  const manifest = jsonBlob({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: config.digest, size: config.sizeBytes },
    layers: layers.map((layer) => ({
      mediaType: 'application/vnd.oci.image.layer.v1.tar',
      digest: layer.digest,
      size: layer.sizeBytes,
    })),
  })
  return { architecture, config, layers, manifest, mediaType: OCI_MANIFEST }
}

/** An OCI index over images of one architecture each. */
export function makeIndex(images: Image[]): ImageIndex {
  const manifest = blobOf(
    Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: OCI_INDEX,
        manifests: images.map((image) => ({
          mediaType: image.mediaType,
          digest: image.manifest.digest,
          size: image.manifest.sizeBytes,
          platform: { os: 'linux', architecture: image.architecture },
        })),
      }),
    ),
  )
  return { images, manifest, mediaType: OCI_INDEX }
}
