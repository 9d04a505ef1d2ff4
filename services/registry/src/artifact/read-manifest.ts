import { type Manifest, ManifestInvalid, ManifestUnsupported, parseManifest } from '@berth/oci'

/** A manifest out of the tables. What was once taken in is never refused: by rules made stricter since it is opaque. */
export function readManifest(bytes: Buffer, mediaType: string): Manifest {
  try {
    return parseManifest(bytes, mediaType)
  } catch (err) {
    if (!(err instanceof ManifestInvalid || err instanceof ManifestUnsupported)) throw err
    return { kind: 'opaque', mediaType, sizeBytes: bytes.length, annotations: {}, blobs: () => [] }
  }
}
