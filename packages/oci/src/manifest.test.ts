import { describe, expect, it } from 'vitest'
import { digestOf } from './hasher.ts'
import {
  MAX_INDEX_ENTRIES,
  MAX_MANIFEST_BYTES,
  type Manifest,
  optionalBlobs,
  parseManifest,
  referrerType,
} from './manifest.ts'
import { ManifestInvalid, ManifestTooLarge, ManifestUnsupported } from './manifest-invalid.ts'
import { MEDIA_TYPE } from './media-types.ts'

const config = { mediaType: MEDIA_TYPE.ociConfig, digest: digestOf('config'), size: 6 }
const layer = { mediaType: MEDIA_TYPE.ociLayerGzip, digest: digestOf('layer'), size: 5 }
const other = { mediaType: MEDIA_TYPE.ociLayerGzip, digest: digestOf('other', 'sha512'), size: 7 }
const image = { schemaVersion: 2, mediaType: MEDIA_TYPE.ociManifest, config, layers: [layer] }
const child = { mediaType: MEDIA_TYPE.ociManifest, digest: digestOf('child'), size: 9 }
const index = { schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests: [child] }

const bytesOf = (document: unknown) => Buffer.from(typeof document === 'string' ? document : JSON.stringify(document))

function parse(document: unknown, contentType: string | undefined = MEDIA_TYPE.ociManifest): Manifest {
  return parseManifest(bytesOf(document), contentType)
}

function failure(document: unknown, contentType?: string): unknown {
  try {
    parse(document, contentType)
  } catch (err) {
    return err
  }
  throw new Error('was accepted')
}

function digestsOf(manifest: Manifest): string[] {
  return manifest.blobs().map((blob) => blob.digest)
}

describe('an image', () => {
  it('may hold layers that need not be here, which are none that it needs as well', () => {
    const foreign = { ...other, mediaType: MEDIA_TYPE.dockerForeignLayerGzip }
    const elsewhere = { ...layer, urls: ['https://example.com/layer'] }
    const optionalOf = (layers: object[]) => optionalBlobs(parse({ ...image, layers })).map(({ digest }) => digest)
    expect(optionalOf([foreign, elsewhere])).toEqual([other.digest, layer.digest])
    expect(optionalOf([foreign, elsewhere, layer])).toEqual([other.digest])
  })

  it('names its config and layers', () => {
    expect(parse({ ...image, annotations: { a: 'b' }, artifactType: 'x/y' })).toMatchObject({
      kind: 'image',
      mediaType: MEDIA_TYPE.ociManifest,
      sizeBytes: expect.any(Number),
      config: { mediaType: MEDIA_TYPE.ociConfig, digest: config.digest, sizeBytes: 6 },
      layers: [{ digest: layer.digest, sizeBytes: 5 }],
      annotations: { a: 'b' },
      artifactType: 'x/y',
    })
  })

  it('may leave its mediaType out, except a Docker one', () => {
    expect(parse({ ...image, mediaType: undefined })).toMatchObject({ mediaType: MEDIA_TYPE.ociManifest })
    const docker = { ...image, mediaType: MEDIA_TYPE.dockerManifest }
    expect(parse(docker, MEDIA_TYPE.dockerManifest).kind).toBe('image')
    expect(failure({ ...docker, mediaType: undefined }, MEDIA_TYPE.dockerManifest)).toBeInstanceOf(ManifestInvalid)
  })

  it('needs each blob once, config first', () => {
    expect(digestsOf(parse({ ...image, layers: [layer, other, layer, { ...config, mediaType: 'a/b' }] }))).toEqual([
      config.digest,
      layer.digest,
      other.digest,
    ])
  })

  it('does not need layers that are non-distributable or have urls', () => {
    const foreign = { ...layer, mediaType: MEDIA_TYPE.dockerForeignLayerGzip }
    const elsewhere = { ...other, urls: ['https://example.org/x'] }
    expect(digestsOf(parse({ ...image, layers: [foreign, elsewhere] }))).toEqual([config.digest])
    expect(digestsOf(parse({ ...image, layers: [foreign, layer] }))).toEqual([config.digest, layer.digest])
    expect(digestsOf(parse({ ...image, layers: [{ ...other, urls: [] }] }))).toEqual([config.digest, other.digest])
  })

  it.each([[[]], [null], [undefined]])('may have the layers %j', (layers) => {
    expect(parse({ ...image, layers })).toMatchObject({ kind: 'image', layers: [] })
  })

  it('has a subject', () => {
    expect(parse({ ...image, subject: child }).subject).toEqual({
      mediaType: child.mediaType,
      digest: child.digest,
      sizeBytes: 9,
    })
    expect(parse({ ...image, subject: null }).subject).toBeUndefined()
  })

  it('keeps unknown members and data out of the way', () => {
    const manifest = parse({ ...image, 'org.example': { a: [1] }, layers: [{ ...layer, data: 'bGF5ZXI=', custom: 1 }] })
    expect(manifest).toMatchObject({ layers: [{ digest: layer.digest }] })
  })

  it('keeps annotations named like a member of every object', () => {
    const text = `{"schemaVersion":2,"config":${JSON.stringify(config)},"annotations":{"__proto__":"x","toString":"y"}}`
    const { annotations } = parse(text)
    expect(Object.getPrototypeOf(annotations)).toBe(Object.prototype)
    expect(Object.keys(annotations).toSorted()).toEqual(['__proto__', 'toString'])
  })

  it('of the withdrawn artifact kind names blobs', () => {
    const artifact = { mediaType: MEDIA_TYPE.ociArtifact, artifactType: 'a/b', blobs: [layer], subject: child }
    const manifest = parse(artifact, MEDIA_TYPE.ociArtifact)
    expect(manifest).toMatchObject({ kind: 'image', layers: [{ digest: layer.digest }], artifactType: 'a/b' })
    expect(digestsOf(manifest)).toEqual([layer.digest])
  })

  it('of 3.9 MB is read', () => {
    const manifest = parse({ ...image, annotations: { padding: 'x'.repeat(3_900_000) } })
    expect(manifest.sizeBytes).toBeGreaterThan(3_900_000)
  })
})

describe('an index', () => {
  it('names manifests with their platforms', () => {
    const platform = { os: 'linux', architecture: 'arm', variant: 'v7', 'os.version': '10', 'os.features': ['win32k'] }
    expect(parse({ ...index, manifests: [{ ...child, platform }, child] }, MEDIA_TYPE.ociIndex)).toMatchObject({
      kind: 'index',
      children: [
        { platform: { os: 'linux', architecture: 'arm', variant: 'v7', osVersion: '10', osFeatures: ['win32k'] } },
        { digest: child.digest, sizeBytes: 9 },
      ],
    })
  })

  it('requires no blobs', () => {
    expect(digestsOf(parse(index, MEDIA_TYPE.ociIndex))).toEqual([])
  })

  it.each([[[]], [null]])('may be empty: %j', (manifests) => {
    expect(parse({ ...index, manifests }, MEDIA_TYPE.ociIndex)).toMatchObject({ kind: 'index', children: [] })
  })

  it('must say its manifests', () => {
    expect(failure({ schemaVersion: 2 }, MEDIA_TYPE.ociIndex)).toMatchObject({ detail: { path: 'manifests' } })
  })

  it('has a subject and a type', () => {
    const manifest = parse({ ...index, subject: child, artifactType: 'a/b' }, MEDIA_TYPE.ociIndex)
    expect(manifest).toMatchObject({ subject: { digest: child.digest }, artifactType: 'a/b' })
  })

  it('has a bounded number of entries', () => {
    const of = (length: number) => ({ ...index, manifests: Array.from({ length }, () => child) })
    expect(parse(of(MAX_INDEX_ENTRIES), MEDIA_TYPE.ociIndex)).toMatchObject({ kind: 'index' })
    expect(failure(of(MAX_INDEX_ENTRIES + 1), MEDIA_TYPE.ociIndex)).toMatchObject({ detail: { path: 'manifests' } })
  })
})

describe('the media type', () => {
  it('is that of the Content-Type without parameters, in lower case', () => {
    expect(parse(image, 'Application/vnd.oci.image.manifest.v1+JSON; charset=utf-8').mediaType).toBe(
      MEDIA_TYPE.ociManifest,
    )
  })

  it.each([undefined, '', ' '])('is that of the document when the Content-Type is %j', (contentType) => {
    const read = (document: unknown) => parseManifest(bytesOf(document), contentType)
    expect(read(index)).toMatchObject({ kind: 'index', mediaType: MEDIA_TYPE.ociIndex })
    expect(read({ ...index, mediaType: undefined })).toMatchObject({ kind: 'index', mediaType: MEDIA_TYPE.ociIndex })
    expect(read({ ...image, mediaType: undefined })).toMatchObject({ kind: 'image', mediaType: MEDIA_TYPE.ociManifest })
    expect(read({ mediaType: 'application/x+json' })).toMatchObject({ kind: 'opaque', mediaType: 'application/x+json' })
    expect(() => read({})).toThrow(ManifestInvalid)
    expect(() => read({ schemaVersion: 1, fsLayers: [] })).toThrow(ManifestUnsupported)
    expect(() => read({ mediaType: MEDIA_TYPE.dockerSchema1Signed })).toThrow(ManifestUnsupported)
  })

  it.each(['x', 'a/b/c', 'a b/c', 'application/', '/x', `a/${'b'.repeat(200)}`, ';', 'a/b\u0000'])(
    'cannot be %.40j',
    (contentType) => {
      expect(failure(image, contentType)).toBeInstanceOf(ManifestInvalid)
    },
  )

  it.each([MEDIA_TYPE.dockerSchema1, MEDIA_TYPE.dockerSchema1Signed])('%s is not supported', (contentType) => {
    const err = failure({ schemaVersion: 1, mediaType: contentType }, contentType)
    expect(err).toBeInstanceOf(ManifestUnsupported)
    expect(err).toMatchObject({ code: 'UNSUPPORTED' })
  })

  it('must agree inside and outside', () => {
    for (const contentType of [MEDIA_TYPE.ociIndex, MEDIA_TYPE.dockerManifest, 'application/json', 'text/plain']) {
      expect(failure(image, contentType)).toMatchObject({ code: 'MANIFEST_INVALID', detail: { path: 'mediaType' } })
    }
  })
})

describe('an unknown media type', () => {
  it('is kept as it is', () => {
    expect(parse({ manifests: 1, config: 2, Layers: 3 }, 'application/vnd.example+json')).toMatchObject({
      kind: 'opaque',
      mediaType: 'application/vnd.example+json',
    })
    expect(parse('not json', 'application/vnd.example')).toMatchObject({ kind: 'opaque', sizeBytes: 8 })
    expect(digestsOf(parse('x', 'text/plain'))).toEqual([])
  })

  it('must be JSON when it says so', () => {
    expect(failure('not json', 'application/vnd.example+json')).toBeInstanceOf(ManifestInvalid)
    expect(failure('{"a":1,"a":2}', 'application/json')).toBeInstanceOf(ManifestInvalid)
  })
})

describe('a manifest is refused', () => {
  it.each([
    ['image and index at once', { ...image, manifests: [child] }, 'manifests'],
    ['index and image at once', { ...index, layers: [layer] }, 'layers', MEDIA_TYPE.ociIndex],
    ['index with a config', { ...index, config }, 'config', MEDIA_TYPE.ociIndex],
    ['schemaVersion 1', { ...image, schemaVersion: 1 }, 'schemaVersion'],
    ['schemaVersion absent', { ...image, schemaVersion: undefined }, 'schemaVersion'],
    ['schemaVersion as text', { ...image, schemaVersion: '2' }, 'schemaVersion'],
    ['index of schemaVersion 3', { ...index, schemaVersion: 3 }, 'schemaVersion', MEDIA_TYPE.ociIndex],
    ['no config', { ...image, config: undefined }, 'config'],
    ['config as text', { ...image, config: 'x' }, 'config'],
    ['layers as object', { ...image, layers: {} }, 'layers'],
    ['a layer that is null', { ...image, layers: [null] }, 'layers[0]'],
    ['manifests as object', { ...index, manifests: {} }, 'manifests', MEDIA_TYPE.ociIndex],
    ['negative size', { ...image, layers: [{ ...layer, size: -1 }] }, 'layers[0].size'],
    ['half a byte', { ...image, layers: [{ ...layer, size: 1.5 }] }, 'layers[0].size'],
    ['size over 2^53', { ...image, layers: [{ ...layer, size: 2 ** 53 }] }, 'layers[0].size'],
    ['size as text', { ...image, layers: [{ ...layer, size: '5' }] }, 'layers[0].size'],
    ['no size', { ...image, layers: [layer, { ...layer, size: undefined }] }, 'layers[1].size'],
    ['no digest', { ...image, config: { ...config, digest: undefined } }, 'config.digest'],
    ['bad digest', { ...image, config: { ...config, digest: 'sha256:abc' } }, 'config.digest'],
    ['digest as path', { ...image, config: { ...config, digest: 'sha256:../../x' } }, 'config.digest'],
    ['no mediaType', { ...image, layers: [{ ...layer, mediaType: '' }] }, 'layers[0].mediaType'],
    ['endless mediaType', { ...image, layers: [{ ...layer, mediaType: 'x'.repeat(256) }] }, 'layers[0].mediaType'],
    ['bad subject', { ...image, subject: { ...child, digest: 'x' } }, 'subject.digest'],
    ['subject as array', { ...image, subject: [] }, 'subject'],
    ['annotations as array', { ...image, annotations: [] }, 'annotations'],
    ['a number among annotations', { ...image, annotations: { a: 1 } }, 'annotations'],
    ['bad layer annotations', { ...image, layers: [{ ...layer, annotations: { a: null } }] }, 'layers[0].annotations'],
    ['urls as text', { ...image, layers: [{ ...layer, urls: 'x' }] }, 'layers[0].urls'],
    ['a number among urls', { ...image, layers: [{ ...layer, urls: [1] }] }, 'layers[0].urls[0]'],
    ['mediaType as number', { ...image, mediaType: 2 }, 'mediaType'],
    ['artifactType as number', { ...image, artifactType: 2 }, 'artifactType'],
    [
      'platform as text',
      { ...index, manifests: [{ ...child, platform: 'x' }] },
      'manifests[0].platform',
      MEDIA_TYPE.ociIndex,
    ],
    [
      'os as number',
      { ...index, manifests: [{ ...child, platform: { os: 1 } }] },
      'manifests[0].platform.os',
      MEDIA_TYPE.ociIndex,
    ],
    ['Layers beside layers', { ...image, Layers: [other] }, 'Layers'],
    ['MANIFESTS in an image', { ...image, MANIFESTS: [child] }, 'MANIFESTS'],
    ['a long s in layers', { ...image, layerſ: [] }, 'layerſ'],
    ['Digest in a layer', { ...image, layers: [{ ...layer, Digest: other.digest }] }, 'layers[0].Digest'],
    [
      'OS in a platform',
      { ...index, manifests: [{ ...child, platform: { OS: 'x' } }] },
      'manifests[0].platform.OS',
      MEDIA_TYPE.ociIndex,
    ],
  ])('with %s', (_, document, path, contentType: string = MEDIA_TYPE.ociManifest) => {
    expect(failure(document, contentType)).toMatchObject({ code: 'MANIFEST_INVALID', detail: { path } })
  })

  it('when one digest has two sizes', () => {
    expect(failure({ ...image, layers: [layer, { ...layer, size: 6 }] })).toBeInstanceOf(ManifestInvalid)
  })

  it.each(['', '[]', 'null', '1', '"x"', '{', '{"schemaVersion":2,"schemaVersion":2}'])('when it is %j', (text) => {
    expect(failure(text)).toBeInstanceOf(ManifestInvalid)
  })

  it('with 413 when it is larger than 4 MiB, and not at 4 MiB', () => {
    const padded = JSON.stringify(image).padEnd(MAX_MANIFEST_BYTES)
    expect(parse(padded).sizeBytes).toBe(MAX_MANIFEST_BYTES)
    const err = failure(`${padded} `)
    expect(err).toBeInstanceOf(ManifestTooLarge)
    expect(err).toMatchObject({ code: 'SIZE_INVALID', status: 413 })
  })
})

describe('the type among referrers', () => {
  it('is the artifactType, else that of the config, else none', () => {
    expect(referrerType(parse({ ...image, artifactType: 'a/b' }))).toBe('a/b')
    expect(referrerType(parse(image))).toBe(MEDIA_TYPE.ociConfig)
    expect(referrerType(parse({ ...image, artifactType: '' }))).toBe(MEDIA_TYPE.ociConfig)
    expect(referrerType(parse({ ...index, artifactType: 'c/d' }, MEDIA_TYPE.ociIndex))).toBe('c/d')
    expect(referrerType(parse(index, MEDIA_TYPE.ociIndex))).toBeUndefined()
  })
})
