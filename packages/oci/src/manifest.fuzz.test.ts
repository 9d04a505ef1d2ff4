import { DomainError } from '@berth/errors'
import { describe, expect, it } from 'vitest'
import { digestOf } from './hasher.ts'
import { type Manifest, parseManifest } from './manifest.ts'
import { MEDIA_TYPE } from './media-types.ts'
import { seeded } from './testing/seeded.ts'

const ROUNDS = 6_000
const config = { mediaType: MEDIA_TYPE.ociConfig, digest: digestOf('c'), size: 1 }
const child = { ...config, mediaType: MEDIA_TYPE.ociManifest, platform: { os: 'linux', architecture: 'amd64' } }
const seeds = [
  {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.ociManifest,
    config,
    layers: [config],
    subject: config,
    annotations: { a: 'b' },
  },
  { schemaVersion: 2, mediaType: MEDIA_TYPE.dockerManifest, config, layers: [{ ...config, urls: ['x'] }] },
  { schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests: [child, child], artifactType: 'a/b' },
].map((document) => Buffer.from(JSON.stringify(document)))
const contentTypes = [...Object.values(MEDIA_TYPE), 'application/json', 'x', '', undefined]
const splices = [
  '{',
  '}',
  '[',
  ']',
  '"',
  ':',
  ',',
  '\\',
  'null',
  '-1',
  '1e999',
  '{"a":',
  '"layers":[]',
  '\ufeff',
  '"__proto__":{}',
  '\u0000',
  '𝄞',
  '[['.repeat(40),
]

function mutate(bytes: Buffer, random: (below: number) => number): Buffer {
  const at = random(bytes.length + 1)
  const to = Math.min(bytes.length, at + random(12))
  switch (random(4)) {
    case 0:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from([random(256)]), bytes.subarray(at + 1)])
    case 1:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(to)])
    case 2:
      return Buffer.concat([bytes.subarray(0, to), bytes.subarray(at)])
    default:
      return Buffer.concat([
        bytes.subarray(0, at),
        Buffer.from(splices[random(splices.length)] ?? ''),
        bytes.subarray(at),
      ])
  }
}

function outcome(bytes: Uint8Array, contentType: string | undefined): Manifest | 'refused' {
  try {
    return parseManifest(bytes, contentType)
  } catch (err) {
    if (err instanceof DomainError) return 'refused'
    throw err
  }
}

describe('any bytes', () => {
  it('are read as one thing or refused with a domain error', () => {
    const random = seeded(20_250_731)
    const seen = { refused: 0, image: 0, index: 0, opaque: 0 }
    for (let round = 0; round < ROUNDS; round++) {
      let bytes: Buffer = seeds[random(seeds.length)] ?? Buffer.alloc(0)
      for (let times = random(4); times > 0; times--) bytes = mutate(bytes, random)
      const isDeclared = random(2) === 0
      const manifest = outcome(bytes, isDeclared ? contentTypes[random(contentTypes.length)] : undefined)
      seen[manifest === 'refused' ? manifest : manifest.kind]++
      if (manifest === 'refused' || manifest.kind === 'opaque') continue
      const document = JSON.parse(bytes.toString())
      expect(manifest.mediaType).toBe(document.mediaType || manifest.mediaType)
      expect(document.layers && document.manifests).toBeFalsy()
      expect(manifest.sizeBytes).toBe(bytes.length)
      for (const blob of manifest.blobs()) expect(blob.sizeBytes).toBeGreaterThanOrEqual(0)
    }
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(50)
  })

  it('of no shape at all are refused, or kept where the type is unknown', () => {
    const random = seeded(7)
    for (let round = 0; round < 2_000; round++) {
      const bytes = Buffer.from(Array.from({ length: random(64) }, () => random(256)))
      const contentType = contentTypes[random(contentTypes.length)]
      const manifest = outcome(bytes, contentType)
      if (manifest !== 'refused') expect(manifest).toMatchObject({ kind: 'opaque', mediaType: contentType })
    }
  })

  it('as large and as awkward as can be are dealt with', () => {
    const size = 4 * 1024 * 1024
    const awkward = ['[', '{"a":', '"', '\\', '"\\"', '":', '{"a":1},', '[],', ' ', '"a":', '{"layers":[', '\u0000']
    for (const piece of awkward) {
      const bytes = Buffer.alloc(size, piece)
      expect(outcome(bytes, MEDIA_TYPE.ociManifest)).toBe('refused')
      expect(outcome(Buffer.concat([Buffer.from('{"a":"'), bytes.subarray(16)]), MEDIA_TYPE.ociIndex)).toBe('refused')
    }
  })
})
