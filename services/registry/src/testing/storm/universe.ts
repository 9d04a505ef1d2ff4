import { createHash } from 'node:crypto'
import { INDEX_TYPE, MANIFEST_TYPE, sha256 } from '@berth/testkit'
import type { Random } from './random.ts'

/** Something that can be pushed, the same each time; `blobs` and `children` before the manifest itself. */
export interface Thing {
  digest: string
  manifest: Buffer
  type: string
  blobs: Buffer[]
  children: Thing[]
  /** What it is about: it may go with that, tagged or not. */
  subject?: string
}

/**
 * Few blobs in many images, so that everybody is about the same blobs all the time: images, indexes of them, and
 * images that are about another one.
 */
export function universe(random: Random): Thing[] {
  const blobs = Array.from({ length: 120 }, (_, i) =>
    bytesOf(`blob ${random.below(1e9)}`, [0, 1, 300, 70_000][i % 4] ?? 9),
  )
  const images = Array.from({ length: 100 }, (_, i) => {
    const layers = [random.pick(blobs), ...blobs.filter(() => random.percent(0.5))]
    return image(Buffer.from(JSON.stringify({ os: 'linux', n: i % 50 })), layers)
  })
  const indexes = Array.from({ length: 4 }, () => index([random.pick(images), random.pick(images)]))
  const first = images[0] as Thing
  return [...images, ...indexes, image(Buffer.from('{}'), [blobs[2] as Buffer], first)]
}

function image(config: Buffer, layers: readonly Buffer[], subject?: Thing): Thing {
  const document = {
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: descriptor('application/vnd.oci.image.config.v1+json', config),
    layers: layers.map((layer) => descriptor('application/vnd.oci.image.layer.v1.tar', layer)),
    ...(subject && { subject: descriptor(subject.type, subject.manifest) }),
  }
  return { ...thing(document, MANIFEST_TYPE, [config, ...layers], []), subject: subject?.digest }
}

function index(children: Thing[]): Thing {
  const manifests = children.map((child) => descriptor(child.type, child.manifest))
  return thing({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests }, INDEX_TYPE, [], children)
}

function thing(document: unknown, type: string, blobs: Buffer[], children: Thing[]): Thing {
  const manifest = Buffer.from(JSON.stringify(document))
  return { digest: sha256(manifest), manifest, type, blobs, children }
}

function descriptor(mediaType: string, bytes: Buffer) {
  return { mediaType, digest: sha256(bytes), size: bytes.length }
}

function bytesOf(seed: string, length: number): Buffer {
  const chunks: Buffer[] = []
  for (let n = 0; n * 32 < length; n++) chunks.push(createHash('sha256').update(`${seed} ${n}`).digest())
  return Buffer.concat(chunks).subarray(0, length)
}
