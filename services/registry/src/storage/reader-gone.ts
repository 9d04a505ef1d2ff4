/** Who was being sent bytes is there no more. */
export class ReaderGone extends Error {
  override name = 'ReaderGone'
  readonly code = 'ERR_STREAM_PREMATURE_CLOSE'

  constructor() {
    super('nobody reads any more')
  }
}
