import { DomainError } from '@berth/errors'

const MIB = 1024 * 1024

/** No part but the last may be shorter. */
export const MIN_PART_BYTES = 5 * MIB
/** The number of the last part there can be. */
export const MAX_PARTS = 10_000
/** How many objects of their own short pieces may become before they are long enough for a part. */
export const MAX_TAILS = 64

/** REQUEST_ENTITY_TOO_LARGE (413): more than fits into the parts of one upload, some 250 GiB. */
export class BlobTooLarge extends DomainError {
  override name = 'BlobTooLarge'
  readonly code = 'REQUEST_ENTITY_TOO_LARGE'

  constructor() {
    super('the blob is too large for the storage')
  }
}

/** How long the n-th part should be, so that the numbers last longer than memory would. */
export function partBytes(number: number): number {
  if (number <= 1_000) return 8 * MIB
  return number <= 3_000 ? 16 * MIB : 32 * MIB
}
