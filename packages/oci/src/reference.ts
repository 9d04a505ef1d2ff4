import { DomainError } from '@berth/errors'
import { type Digest, DigestInvalid, parseDigest } from './digest.ts'
import { parseTag, type Tag, TagInvalid } from './tag.ts'

/** How a URL names a manifest: by a movable name, or by what it is. */
export type Reference =
  | { readonly kind: 'tag'; readonly tag: Tag }
  | { readonly kind: 'digest'; readonly digest: Digest }

/** MANIFEST_UNKNOWN (404): no such manifest in this repository. */
export class ManifestUnknown extends DomainError {
  override name = 'ManifestUnknown'
  readonly code = 'MANIFEST_UNKNOWN'
}

/**
 * Parses the last part of `/v2/<name>/manifests/<reference>`; a text with a colon is a digest, any other a tag.
 *
 * @throws {DigestInvalid} a colon, but no digest
 * @throws {TagInvalid} no colon, and no tag
 */
export function parseReference(text: string): Reference {
  if (text.includes(':')) return { kind: 'digest', digest: parseDigest(text) }
  return { kind: 'tag', tag: parseTag(text) }
}

/** The reference as a URL spells it. */
export function formatReference(reference: Reference): string {
  return reference.kind === 'tag' ? reference.tag : reference.digest
}

/**
 * What one who reads is told about a reference outside the grammar: nothing can be stored under it, so it is
 * unknown (404). One who pushes is told TAG_INVALID or DIGEST_INVALID. Any other error comes back as it is.
 */
export function unknownWhenReading(err: unknown): unknown {
  if (err instanceof TagInvalid || err instanceof DigestInvalid) {
    return new ManifestUnknown('manifest unknown', { detail: err.detail, cause: err })
  }
  return err
}
