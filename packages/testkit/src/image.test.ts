import { describe, expect, it } from 'vitest'
import { indexOf, sha256, someImage } from './image.ts'

interface Named {
  digest: string
  size: number
}

const parsed = (bytes: Buffer): { config: Named; layers: Named[]; manifests: Named[] } => JSON.parse(bytes.toString())
const named = (bytes: Buffer) => expect.objectContaining({ digest: sha256(bytes), size: bytes.length })

describe('an image of a test', () => {
  it('names its config and layers by digest and size', () => {
    const image = someImage([10, 20])
    const { config, layers } = parsed(image.manifest)
    expect(image.layers.map((layer) => layer.length)).toEqual([10, 20])
    expect([config, ...layers]).toEqual([image.config, ...image.layers].map(named))
    expect(image.digest).toBe(sha256(image.manifest))
  })

  it('is another each time', () => {
    expect(someImage([]).digest).not.toBe(someImage([]).digest)
  })

  it('is named by its index', () => {
    const images = [someImage(), someImage()]
    const index = indexOf(images)
    expect(parsed(index.manifest).manifests).toEqual(images.map(({ manifest }) => named(manifest)))
    expect(index.digest).toBe(sha256(index.manifest))
  })
})
