export { ERROR_CODES, type ErrorCode, isErrorCode, statusOf } from './codes.ts'
export {
  BadRequest,
  Conflict,
  Denied,
  DomainError,
  Forbidden,
  MethodNotAllowed,
  NotFound,
  PreconditionFailed,
  TooManyRequests,
  Unauthorized,
  Unavailable,
  Unprocessable,
} from './domain-error.ts'
export { type ErrorBody, type ErrorEntry, errorEntry, fromWire, toErrorBody } from './envelope.ts'
