import type { ErrorCode } from './codes.ts'

/** What went wrong, in the words of the domain. It knows nothing of HTTP or NATS; one renderer each does. */
export abstract class DomainError extends Error {
  abstract readonly code: ErrorCode
  /** JSON-safe facts for the caller; never secrets, SQL or host names. */
  readonly detail?: unknown
  /** Whole seconds after which asking again makes sense; becomes `Retry-After`. */
  readonly retryAfterSeconds?: number
  /** Set where one code has two statuses (a chunk out of order is BLOB_UPLOAD_INVALID with 416). */
  readonly status?: number

  constructor(
    message: string,
    options: { detail?: unknown; cause?: unknown; retryAfterSeconds?: number; status?: number } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.detail = options.detail
    this.retryAfterSeconds = options.retryAfterSeconds
    this.status = options.status
  }
}

export class BadRequest extends DomainError {
  override name = 'BadRequest'
  readonly code = 'BAD_REQUEST'
}

export class Unauthorized extends DomainError {
  override name = 'Unauthorized'
  readonly code = 'UNAUTHORIZED'
}

export class Forbidden extends DomainError {
  override name = 'Forbidden'
  readonly code = 'FORBIDDEN'
}

export class Denied extends DomainError {
  override name = 'Denied'
  readonly code = 'DENIED'
}

export class NotFound extends DomainError {
  override name = 'NotFound'
  readonly code = 'NOT_FOUND'
}

export class MethodNotAllowed extends DomainError {
  override name = 'MethodNotAllowed'
  readonly code = 'METHOD_NOT_ALLOWED'
}

export class Conflict extends DomainError {
  override name = 'Conflict'
  readonly code = 'CONFLICT'
}

export class PreconditionFailed extends DomainError {
  override name = 'PreconditionFailed'
  readonly code = 'PRECONDITION'
}

export class Unprocessable extends DomainError {
  override name = 'Unprocessable'
  readonly code = 'UNPROCESSABLE_ENTITY'
}

export class TooManyRequests extends DomainError {
  override name = 'TooManyRequests'
  readonly code = 'TOO_MANY_REQUEST'
}

/** A part we need cannot be reached just now; the same request may go through later. */
export class Unavailable extends DomainError {
  override name = 'Unavailable'
  readonly code = 'UNAVAILABLE'

  constructor(message: string, options: { detail?: unknown; cause?: unknown; retryAfterSeconds?: number } = {}) {
    super(message, { retryAfterSeconds: 5, ...options })
  }
}
