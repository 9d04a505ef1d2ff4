import { type Digest, findDigest } from './digest.ts'
import {
  foldedKeys,
  joinPath,
  optionalAnnotations,
  optionalString,
  optionalStrings,
  refuseLookalikes,
} from './json-fields.ts'
import { ManifestInvalid } from './manifest-invalid.ts'
import { isNonDistributable } from './media-types.ts'
import { isJsonObject, type JsonObject } from './strict-json.ts'

/** What it is, which one, how many bytes. */
export interface Descriptor {
  readonly mediaType: string
  readonly digest: Digest
  readonly sizeBytes: number
  readonly urls?: readonly string[]
  readonly annotations?: Readonly<Record<string, string>>
  readonly artifactType?: string
}

const KEYS = foldedKeys('mediaType', 'digest', 'size', 'urls', 'annotations', 'artifactType', 'platform', 'data')
const MAX_MEDIA_TYPE_LENGTH = 255

/**
 * Reads one descriptor. `data` and unknown members are left alone.
 *
 * @param path where it stands, for the error: `layers[3]`
 * @throws {ManifestInvalid}
 * @see image-spec, descriptor.md
 */
export function parseDescriptor(value: unknown, path: string): Descriptor {
  const from = requireObject(value, path)
  const mediaType = optionalString(from, 'mediaType', path)
  if (!mediaType || mediaType.length > MAX_MEDIA_TYPE_LENGTH) {
    throw new ManifestInvalid('must be a media type', joinPath(path, 'mediaType'))
  }
  const urls = optionalStrings(from, 'urls', path)
  const annotations = optionalAnnotations(from, path)
  const artifactType = optionalString(from, 'artifactType', path)
  return {
    mediaType,
    digest: digestOfField(from, path),
    sizeBytes: sizeOfField(from, path),
    ...(urls && { urls }),
    ...(annotations && { annotations }),
    ...(artifactType && { artifactType }),
  }
}

/** Whether the registry must hold the content: not when it is non-distributable or says where else it is. */
export function isRequired(descriptor: Descriptor): boolean {
  return !isNonDistributable(descriptor.mediaType) && !descriptor.urls?.length
}

function requireObject(value: unknown, path: string): JsonObject {
  if (!isJsonObject(value)) throw new ManifestInvalid('must be a descriptor', path)
  refuseLookalikes(value, KEYS, path)
  return value
}

function digestOfField(from: JsonObject, path: string): Digest {
  const digest = findDigest(optionalString(from, 'digest', path) ?? '')
  if (digest === undefined) throw new ManifestInvalid('must be a digest', joinPath(path, 'digest'))
  return digest
}

function sizeOfField(from: JsonObject, path: string): number {
  const size = from.size
  if (typeof size === 'number' && Number.isSafeInteger(size) && size >= 0) return Math.abs(size)
  throw new ManifestInvalid('must be a whole number of bytes from 0 below 2^53', joinPath(path, 'size'))
}
