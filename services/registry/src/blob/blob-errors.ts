import { DomainError } from '@berth/errors'

/** BLOB_UNKNOWN (404): no such blob in this repository. */
export class BlobUnknown extends DomainError {
  override name = 'BlobUnknown'
  readonly code = 'BLOB_UNKNOWN'

  constructor(digest: string) {
    super('blob unknown to registry', { detail: { digest } })
  }
}

/** UNSUPPORTED (405): a manifest of the repository names the blob; deleting it would leave an image in pieces. */
export class BlobReferenced extends DomainError {
  override name = 'BlobReferenced'
  readonly code = 'UNSUPPORTED'

  constructor(digest: string) {
    super('a manifest of this repository refers to the blob', { detail: { digest }, status: 405 })
  }
}
