/**
 * The codes both APIs and the NATS wire speak, each with the HTTP status it is answered with.
 *
 * @see distribution-spec, "Error codes"; Harbor's API v2.0 conventions
 */
const STATUS = {
  // OCI distribution
  BLOB_UNKNOWN: 404,
  BLOB_UPLOAD_INVALID: 400,
  BLOB_UPLOAD_UNKNOWN: 404,
  DIGEST_INVALID: 400,
  MANIFEST_BLOB_UNKNOWN: 404,
  MANIFEST_INVALID: 400,
  MANIFEST_UNKNOWN: 404,
  NAME_INVALID: 400,
  NAME_UNKNOWN: 404,
  SIZE_INVALID: 400,
  TAG_INVALID: 400,
  RANGE_INVALID: 416,
  PAGINATION_NUMBER_INVALID: 400,
  TOOMANYREQUESTS: 429,
  UNAVAILABLE: 503,
  // Harbor
  BAD_REQUEST: 400,
  UNSUPPORTED: 400,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  DENIED: 403,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  CONFLICT: 409,
  PRECONDITION: 412,
  PROJECTPOLICYVIOLATION: 412,
  VIOLATE_FOREIGN_KEY_CONSTRAINT: 412,
  REQUEST_ENTITY_TOO_LARGE: 413,
  UNPROCESSABLE_ENTITY: 422,
  TOO_MANY_REQUEST: 429,
  BAD_GATEWAY: 502,
  GATEWAY_TIMEOUT: 504,
  UNKNOWN: 500,
} as const

export type ErrorCode = keyof typeof STATUS

export const ERROR_CODES = Object.keys(STATUS) as readonly ErrorCode[]

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(STATUS, text)
}

/** The HTTP status a code is answered with, unless the error itself says another one. */
export function statusOf(code: ErrorCode): number {
  return STATUS[code]
}
