import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Blob, sha256 } from '../src/images/blob.ts'
import { OCI_MANIFEST } from '../src/images/image.ts'

const BLOBS_OF_ONE = 100
const CONFIG = 'application/vnd.oci.image.config.v1+json'
const LAYER = 'application/vnd.oci.image.layer.v1.tar'

export interface StoredImage {
  digest: string
  /** Its config and layers, and the bytes of all of them. */
  blobs: string[]
  sizeBytes: number
}

/**
 * Writes images of a hundred small blobs into a directory, as distribution keeps them, until there are `count` blobs;
 * `berth registry adopt` takes such a directory over many times faster than they could be pushed.
 */
export async function storeImages(directory: string, repository: string, count: number): Promise<StoredImage[]> {
  const top = join(directory, 'docker/registry/v2')
  const images: StoredImage[] = []
  for (let n = 0; n < count; n += BLOBS_OF_ONE) {
    images.push(await storeImage(top, repository, n, Math.min(BLOBS_OF_ONE, count - n)))
  }
  return images
}

async function storeImage(top: string, repository: string, first: number, count: number): Promise<StoredImage> {
  const texts = Array.from({ length: count }, (_, k) => JSON.stringify({ stored: first + k }))
  const [config, ...layers] = await Promise.all(texts.map((text) => storeBytes(top, Buffer.from(text))))
  if (!config) throw new Error('an image has a config')
  const describe = ({ digest, sizeBytes }: Facts, mediaType: string) => ({ mediaType, digest, size: sizeBytes })
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: describe(config, CONFIG),
    layers: layers.map((layer) => describe(layer, LAYER)),
  }
  const { digest } = await storeBytes(top, Buffer.from(JSON.stringify(manifest)))
  const manifests = join(top, 'repositories', repository, '_manifests')
  for (const place of [join('revisions/sha256', hexOf(digest)), join('tags', `stored-${first}`, 'current')]) {
    await mkdir(join(manifests, place), { recursive: true })
    await writeFile(join(manifests, place, 'link'), digest)
  }
  const sizeBytes = [config, ...layers].reduce((sum, one) => sum + one.sizeBytes, 0)
  return { digest, blobs: [config, ...layers].map((one) => one.digest), sizeBytes }
}

type Facts = Pick<Blob, 'digest' | 'sizeBytes'>

async function storeBytes(top: string, bytes: Buffer): Promise<Facts> {
  const digest = sha256(bytes)
  const place = join(top, 'blobs/sha256', hexOf(digest).slice(0, 2), hexOf(digest))
  await mkdir(place, { recursive: true })
  await writeFile(join(place, 'data'), bytes)
  return { digest, sizeBytes: bytes.length }
}

const hexOf = (digest: string): string => digest.slice(digest.indexOf(':') + 1)
