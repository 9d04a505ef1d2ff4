import type { Chance } from './seeded.ts'

const KEYS = [
  'schemaVersion',
  'mediaType',
  'config',
  'layers',
  'manifests',
  'subject',
  'annotations',
  'artifactType',
  'blobs',
  'digest',
  'size',
  'urls',
  'platform',
  'data',
  'Layers',
  '__proto__',
  'constructor',
  '\u0000',
  '\ud800',
  'x'.repeat(100),
]
const MEDIA_TYPES = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.oci.image.layer.nondistributable.v1.tar',
  '',
  '\u0000',
]
const SPLICES = [
  '{',
  '}',
  '[',
  ']',
  '"',
  ':',
  ',',
  '\\',
  'null',
  '1e999',
  '-0',
  '\u0000',
  '\ufeff',
  '{"a":',
  '[['.repeat(60),
  '"size":1,',
]

/** Something that is nearly a manifest; sometimes it is one. */
export function strangeDocument(chance: Chance, digests: readonly string[]): Buffer {
  const bytes = Buffer.from(JSON.stringify(chance.once(3) ? anyValue(chance, digests, 0) : manifest(chance, digests)))
  if (!chance.once(3)) return bytes
  const at = chance.below(bytes.length + 1)
  return Buffer.concat([bytes.subarray(0, at), Buffer.from(chance.pick(SPLICES)), bytes.subarray(at + chance.below(3))])
}

function manifest(chance: Chance, digests: readonly string[]): Record<string, unknown> {
  const document: Record<string, unknown> = {
    schemaVersion: 2,
    mediaType: chance.pick(MEDIA_TYPES),
    config: descriptor(chance, digests),
    layers: Array.from({ length: chance.below(4) }, () => descriptor(chance, digests)),
  }
  if (chance.once(3)) document.manifests = Array.from({ length: chance.below(4) }, () => descriptor(chance, digests))
  if (chance.once(3)) document.subject = descriptor(chance, digests)
  if (chance.once(3)) document.annotations = { [chance.pick(KEYS)]: anyValue(chance, digests, 2) }
  if (chance.once(2)) delete document[chance.pick(['schemaVersion', 'mediaType', 'config', 'layers'])]
  if (chance.once(3)) document[chance.pick(KEYS)] = anyValue(chance, digests, 0)
  return document
}

function descriptor(chance: Chance, digests: readonly string[]): Record<string, unknown> {
  return {
    mediaType: chance.pick(MEDIA_TYPES),
    digest: chance.once(5) ? anyValue(chance, digests, 2) : chance.pick(digests),
    size: chance.once(3) ? anyValue(chance, digests, 2) : chance.below(2_000),
    ...(chance.once(4) && { [chance.pick(KEYS)]: anyValue(chance, digests, 1) }),
  }
}

function anyValue(chance: Chance, digests: readonly string[], depth: number): unknown {
  switch (chance.below(depth > 3 ? 6 : 8)) {
    case 0:
      return null
    case 1:
      return chance.pick([0, -1, 1.5, 2 ** 53, 1e300, 2, Number.MIN_VALUE])
    case 2:
      return chance.once(2)
    case 3:
      return chance.pick(digests)
    case 4:
      return chance.pick(MEDIA_TYPES)
    case 5:
      return chance.pick(['', '\u0000', '\ud83d', 'x'.repeat(3_000), '../../etc/passwd', "'; DROP TABLE blob; --"])
    case 6:
      return Array.from({ length: chance.below(5) }, () => anyValue(chance, digests, depth + 1))
    default:
      return Object.fromEntries(
        Array.from({ length: chance.below(4) }, () => [chance.pick(KEYS), anyValue(chance, digests, depth + 1)]),
      )
  }
}
