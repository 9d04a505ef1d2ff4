import { DomainError } from '@berth/errors'

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
