import { Denied, DomainError } from '@berth/errors'

/** MANIFEST_BLOB_UNKNOWN (404): the manifest names what the repository does not hold. */
export class ManifestBlobUnknown extends DomainError {
  override name = 'ManifestBlobUnknown'
  readonly code = 'MANIFEST_BLOB_UNKNOWN'

  constructor(digests: readonly string[]) {
    super('manifest references content unknown to the repository', { detail: { digests: digests.slice(0, 100) } })
  }
}

/** TAG_INVALID (414): the URL names more tags than one push may set. */
export class TooManyTags extends DomainError {
  override name = 'TooManyTags'
  readonly code = 'TAG_INVALID'

  constructor(limit: number) {
    super(`one push may set ${limit} tags at most`, { status: 414 })
  }
}

/** VIOLATE_FOREIGN_KEY_CONSTRAINT (412): an index names the manifest. */
export class ManifestReferenced extends DomainError {
  override name = 'ManifestReferenced'
  readonly code = 'VIOLATE_FOREIGN_KEY_CONSTRAINT'

  constructor(digest: string) {
    super('the deleting artifact is referenced by others', { detail: { digest } })
  }
}

/** DENIED (403): the push would take the project over its quota. */
export function quotaExceeded(addedBytes: number, usedBytes: number, limitBytes: number): Denied {
  return new Denied(
    `Quota exceeded when processing the request of adding ${mebibytes(addedBytes)} of storage resource, which when ` +
      `updated to current usage of ${mebibytes(usedBytes)} will exceed the configured upper limit of ` +
      `${mebibytes(limitBytes)}.`,
  )
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** `1.5 MiB` */
function mebibytes(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10))
  return `${(bytes / 2 ** (10 * power)).toFixed(1)} ${UNITS[power]}`
}
