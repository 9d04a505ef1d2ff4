import { optionalString } from './json-fields.ts'
import { ManifestInvalid, ManifestUnsupported } from './manifest-invalid.ts'
import { MEDIA_TYPE } from './media-types.ts'
import type { JsonObject } from './strict-json.ts'

const ESSENCE = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/

/**
 * The `type/subtype` of a Content-Type, lower-case, without parameters.
 *
 * @throws {ManifestInvalid} when it is none
 */
export function parseMediaType(contentType: string): string {
  const essence = (contentType.split(';', 1)[0] ?? '').trim().toLowerCase()
  if (!ESSENCE.test(essence)) throw new ManifestInvalid('Content-Type is not a media type')
  return essence
}

/** @throws {ManifestInvalid} when the `mediaType` member says another type */
export function requireSameType(document: JsonObject, mediaType: string): void {
  const inside = document.mediaType
  if (typeof inside === 'string' && inside !== '' && inside.toLowerCase() !== mediaType) {
    throw new ManifestInvalid('differs from the Content-Type', 'mediaType')
  }
}

/**
 * What a document without Content-Type says it is: by `mediaType`, else by shape.
 *
 * @throws {ManifestInvalid} it does not say
 * @throws {ManifestUnsupported} Docker schema 1
 */
export function typeInside(document: JsonObject): string {
  const inside = optionalString(document, 'mediaType', '')
  return inside ? parseMediaType(inside) : typeByShape(document)
}

function typeByShape(document: JsonObject): string {
  if (document.schemaVersion === 1) throw new ManifestUnsupported(MEDIA_TYPE.dockerSchema1)
  if (isPresent(document.manifests)) return MEDIA_TYPE.ociIndex
  if (isPresent(document.config)) return MEDIA_TYPE.ociManifest
  throw new ManifestInvalid('neither Content-Type nor mediaType says what it is')
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null
}
