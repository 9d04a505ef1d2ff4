/** Nothing of an answer has reached the client yet. */
export class ForwardFailed extends Error {
  override name = 'ForwardFailed'
  /** `connect`: the service has seen nothing and the body is untouched. `answer`: it has the request, perhaps whole. */
  readonly stage: 'connect' | 'answer'
  readonly timedOut: boolean

  constructor(stage: 'connect' | 'answer', options: { timedOut?: boolean; cause?: unknown }) {
    super(stage === 'connect' ? 'no connection' : 'no answer', { cause: options.cause })
    this.stage = stage
    this.timedOut = options.timedOut ?? false
  }
}
