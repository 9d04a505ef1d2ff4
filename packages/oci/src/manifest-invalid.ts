import { DomainError } from '@berth/errors'

/** MANIFEST_INVALID (400). `detail` says what is wrong and, where known, at which `path` (`layers[3].digest`). */
export class ManifestInvalid extends DomainError {
  override name = 'ManifestInvalid'
  readonly code = 'MANIFEST_INVALID'

  constructor(reason: string, path?: string) {
    super(`manifest invalid: ${path ? `${path}: ` : ''}${reason}`, { detail: { reason, ...(path ? { path } : {}) } })
  }
}

/** SIZE_INVALID, answered with 413: more bytes than a manifest may have. */
export class ManifestTooLarge extends DomainError {
  override name = 'ManifestTooLarge'
  readonly code = 'SIZE_INVALID'

  constructor(maxBytes: number) {
    super(`manifest is larger than ${maxBytes} bytes`, { detail: { maxBytes }, status: 413 })
  }
}

/** UNSUPPORTED (400): Docker image manifest version 2, schema 1. */
export class ManifestUnsupported extends DomainError {
  override name = 'ManifestUnsupported'
  readonly code = 'UNSUPPORTED'

  constructor(mediaType: string) {
    super('docker image manifest schema 1 is not supported', { detail: { mediaType } })
  }
}
