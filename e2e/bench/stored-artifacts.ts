import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sha256 } from '../src/images/blob.ts'
import { OCI_MANIFEST } from '../src/images/image.ts'

const CONFIG_TYPE = 'application/vnd.oci.image.config.v1+json'
const LAYER_TYPE = 'application/vnd.oci.image.layer.v1.tar'
const AT_ONCE = 32

/** The config and the one layer all images of the bench share: what a list costs does not hang on blobs. */
export const SHARED = {
  config: Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [] } })),
  layer: Buffer.from('the one layer'),
}

/** The manifest of the nth image; no two are alike. */
export function manifestOf(n: number): { mediaType: string; [field: string]: unknown } {
  const described = (bytes: Buffer, mediaType: string) => ({ mediaType, digest: sha256(bytes), size: bytes.length })
  return {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: described(SHARED.config, CONFIG_TYPE),
    layers: [described(SHARED.layer, LAYER_TYPE)],
    annotations: { 'org.opencontainers.image.version': String(n) },
  }
}

export const tagOf = (n: number): string => `t${n}`

/**
 * Writes images with a tag each into a directory, as distribution keeps them, for `berth registry adopt`: a hundred
 * thousand are there sooner than ten thousand are pushed.
 */
export async function storeArtifacts(directory: string, repository: string, count: number): Promise<void> {
  const top = join(directory, 'docker/registry/v2')
  const manifests = join(top, 'repositories', repository, '_manifests')
  const keep = async (bytes: Buffer): Promise<string> => {
    const digest = sha256(bytes)
    const hex = digest.slice('sha256:'.length)
    await write(join(top, 'blobs/sha256', hex.slice(0, 2), hex), 'data', bytes)
    return digest
  }
  for (const bytes of Object.values(SHARED)) await keep(bytes)
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < count) {
      const n = next
      next += 1
      const digest = await keep(Buffer.from(JSON.stringify(manifestOf(n))))
      await write(join(manifests, 'revisions/sha256', digest.slice('sha256:'.length)), 'link', digest)
      await write(join(manifests, 'tags', tagOf(n), 'current'), 'link', digest)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

async function write(directory: string, name: string, bytes: Buffer | string): Promise<void> {
  await mkdir(directory, { recursive: true })
  await writeFile(join(directory, name), bytes)
}
