export {
  type BearerChallenge,
  basicChallenge,
  bearerChallenge,
  type Challenge,
  ChallengeInvalid,
  parseChallenges,
} from './challenge.ts'
export { type Descriptor, isRequired, parseDescriptor } from './descriptor.ts'
export {
  algorithmOf,
  type Digest,
  DigestInvalid,
  encodedOf,
  findDigest,
  isSupported,
  isSupportedAlgorithm,
  MAX_DIGEST_LENGTH,
  parseDigest,
  parseSupportedDigest,
  requireSupported,
  type SupportedAlgorithm,
} from './digest.ts'
export { compilePattern, PatternInvalid, patternSize } from './doublestar.ts'
export { createHasher, digestOf, type Hasher } from './hasher.ts'
export {
  type ChildDescriptor,
  type ImageManifest,
  type IndexManifest,
  MAX_INDEX_ENTRIES,
  MAX_MANIFEST_BYTES,
  type Manifest,
  type OpaqueManifest,
  optionalBlobs,
  parseManifest,
  referrerType,
} from './manifest.ts'
export { ManifestInvalid, ManifestTooLarge, ManifestUnsupported } from './manifest-invalid.ts'
export { parseMediaType } from './manifest-type.ts'
export {
  EMPTY_JSON_DIGEST,
  isDockerSchema1,
  isImageType,
  isIndexType,
  isManifestType,
  isNonDistributable,
  MEDIA_TYPE,
} from './media-types.ts'
export { formatPlatform, type Platform } from './platform.ts'
export {
  type ByteRange,
  formatContentRange,
  formatUploadRange,
  parseRange,
  parseUploadRange,
  RangeInvalid,
  unsatisfiedRange,
} from './range.ts'
export { formatReference, ManifestUnknown, parseReference, type Reference, unknownWhenReading } from './reference.ts'
export {
  findRepositoryName,
  MAX_REPOSITORY_NAME_LENGTH,
  NameInvalid,
  nameInProject,
  parseRepositoryName,
  projectOf,
  type RepositoryName,
} from './repository-name.ts'
export { BlobUploadUnknown, parseSessionId, type SessionId } from './session-id.ts'
export { findTag, parseTag, type Tag, TagInvalid } from './tag.ts'
export { matchV2, type V2Route } from './v2-path.ts'
