import { DomainError, type ErrorCode } from '@berth/errors'

/** Both APIs have a code for it; the door that was knocked at says which. */
export class TooManyFailures extends DomainError {
  override name = 'TooManyFailures'
  readonly code: ErrorCode

  constructor(retryAfterSeconds: number, code: 'TOO_MANY_REQUEST' | 'TOOMANYREQUESTS' = 'TOO_MANY_REQUEST') {
    super('too many failed logins from this address', { retryAfterSeconds: Math.max(1, retryAfterSeconds) })
    this.code = code
  }
}
