import { describe, expect, it } from 'vitest'
import {
  isDockerSchema1,
  isImageType,
  isIndexType,
  isManifestType,
  isNonDistributable,
  MEDIA_TYPE,
} from './media-types.ts'

function namesWhere(answers: (mediaType: string) => boolean): string[] {
  return Object.entries(MEDIA_TYPE)
    .filter(([, mediaType]) => answers(mediaType))
    .map(([name]) => name)
    .toSorted()
}

describe('media types', () => {
  it('knows the indexes', () => {
    expect(namesWhere(isIndexType)).toEqual(['dockerManifestList', 'ociIndex'])
  })

  it('knows the manifests that name blobs', () => {
    expect(namesWhere(isImageType)).toEqual(['dockerManifest', 'ociArtifact', 'ociManifest'])
  })

  it('knows what is stored as a manifest', () => {
    expect(isManifestType(MEDIA_TYPE.ociIndex)).toBe(true)
    expect(isManifestType(MEDIA_TYPE.ociManifest)).toBe(true)
    expect(isManifestType(MEDIA_TYPE.ociLayerGzip)).toBe(false)
    expect(isManifestType('constructor')).toBe(false)
  })

  it('knows both spellings of schema 1', () => {
    expect(namesWhere(isDockerSchema1)).toEqual(['dockerSchema1', 'dockerSchema1Signed'])
  })

  it('knows the layers that live elsewhere', () => {
    expect(namesWhere(isNonDistributable)).toEqual([
      'dockerForeignLayer',
      'dockerForeignLayerGzip',
      'ociNonDistributableLayer',
      'ociNonDistributableLayerGzip',
      'ociNonDistributableLayerZstd',
    ])
  })
})
