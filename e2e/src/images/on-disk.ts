import { createWriteStream } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Blob } from './blob.ts'
import type { Image, ImageIndex } from './image.ts'
import { fileEntry, type TarEntry, tar } from './tar.ts'

/** Writes what `docker load` reads; `tags` are whole references. The file is one pass over the layers. */
export async function writeDockerArchive(path: string, image: Image, tags: readonly string[]): Promise<string> {
  const entry = (name: string, blob: Blob): TarEntry => ({ name, sizeBytes: blob.sizeBytes, bytes: () => blob.open() })
  const config = `${image.config.digest.slice(7)}.json`
  const layers = image.layers.map((blob, index) => entry(`layer-${index}/layer.tar`, blob))
  const manifest = [{ Config: config, RepoTags: tags, Layers: layers.map((layer) => layer.name) }]
  const entries = [entry(config, image.config), ...layers, fileEntry('manifest.json', JSON.stringify(manifest))]
  await pipeline(tar(entries), createWriteStream(path))
  return path
}

/** Writes an OCI image layout of one image or index, named `tag` in its index.json (skopeo's `oci:<directory>:<tag>`). */
export async function writeOciLayout(directory: string, content: Image | ImageIndex, tag: string): Promise<string> {
  const blobs = join(directory, 'blobs', 'sha256')
  await mkdir(blobs, { recursive: true })
  const images = 'images' in content ? content.images : [content]
  const all = [content.manifest, ...images.flatMap((image) => [image.manifest, image.config, ...image.layers])]
  for (const blob of all) await pipeline(blob.open(), createWriteStream(join(blobs, blob.digest.slice(7))))
  await writeFile(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  await writeFile(
    join(directory, 'index.json'),
    JSON.stringify({
      schemaVersion: 2,
      manifests: [
        {
          mediaType: content.mediaType,
          digest: content.manifest.digest,
          size: content.manifest.sizeBytes,
          annotations: { 'org.opencontainers.image.ref.name': tag },
        },
      ],
    }),
  )
  return directory
}
