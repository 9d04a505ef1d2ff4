import { type ErrorCode, isErrorCode, statusOf } from './codes.ts'
import { DomainError } from './domain-error.ts'

export interface ErrorEntry {
  code: ErrorCode
  message: string
  detail?: unknown
}

/** The body both APIs answer an error with. */
export interface ErrorBody {
  errors: ErrorEntry[]
}

/** An error another service answered with over NATS: same code, same words. */
class RemoteError extends DomainError {
  override name = 'RemoteError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options: { detail?: unknown; retryAfterSeconds?: number }) {
    super(message, options)
    this.code = code
  }
}

/** What a caller may learn of an error: a domain error as it is, anything else as "internal server error". */
export function errorEntry(err: unknown): ErrorEntry {
  if (!(err instanceof DomainError)) return { code: 'UNKNOWN', message: 'internal server error' }
  const status = err.status ?? statusOf(err.code)
  if (status === 500) return { code: err.code, message: 'internal server error' }
  return { code: err.code, message: err.message, ...(err.detail === undefined ? {} : { detail: err.detail }) }
}

export function toErrorBody(err: unknown): { status: number; body: ErrorBody; retryAfterSeconds?: number } {
  const entry = errorEntry(err)
  const domain = err instanceof DomainError ? err : undefined
  return {
    status: domain?.status ?? statusOf(entry.code),
    body: { errors: [entry] },
    retryAfterSeconds: domain?.retryAfterSeconds,
  }
}

/** Turns `{ code, message, detail }` from the wire back into an error; an unknown code becomes UNKNOWN. */
export function fromWire(wire: {
  code: string
  message: string
  detail?: unknown
  retryAfterSeconds?: number
}): DomainError {
  const code = isErrorCode(wire.code) ? wire.code : 'UNKNOWN'
  return new RemoteError(code, wire.message, { detail: wire.detail, retryAfterSeconds: wire.retryAfterSeconds })
}
