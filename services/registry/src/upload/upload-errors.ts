import { DomainError } from '@berth/errors'

/** RANGE_INVALID (416): a chunk that does not begin where the session ends; the session stays as it is. */
export class ChunkOutOfOrder extends DomainError {
  override name = 'ChunkOutOfOrder'
  readonly code = 'RANGE_INVALID'

  constructor(offset: number) {
    super('the chunk does not begin where the upload ends', { detail: { offset } })
  }
}
