import { Unavailable } from '@berth/errors'
import { BytesMissing, StorageFull } from '../storage.ts'

/** An answer that is no success, as the S3 put it. */
export class S3Failure extends Error {
  override name = 'S3Failure'
  readonly status: number
  readonly code: string

  constructor(status: number, code: string) {
    super(`the S3 answered ${status}${code === '' ? '' : ` (${code})`}`)
    this.status = status
    this.code = code
  }
}

/** UNAVAILABLE (503): the S3 cannot be reached, or does not let us. */
class StorageAway extends Unavailable {
  override name = 'StorageAway'

  constructor(cause: unknown) {
    super('the storage cannot be used just now', { cause })
  }
}

/** Bytes came to an end before their time. */
export class BodyTooShort extends Error {
  override name = 'BodyTooShort'
  readonly code = 'ECONNRESET'
}

const BROKEN_CONNECTIONS = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ERR_STREAM_PREMATURE_CLOSE',
])
const BUSY = new Set([
  'SlowDown',
  'InternalError',
  'ServiceUnavailable',
  'RequestTimeout',
  'OperationAborted',
  'Throttling',
  'BadDigest',
  'IncompleteBody',
  'XAmzContentSHA256Mismatch',
])
const MISSING = new Set(['NoSuchKey', 'NotFound', 'NoSuchUpload', 'InvalidPart', 'InvalidPartOrder', 'InvalidRange'])
const FULL = new Set([
  'QuotaExceeded',
  'BucketQuotaExceeded',
  'XMinioStorageFull',
  'XMinioAdminBucketQuotaExceeded',
  'StorageFull',
  'InsufficientStorage',
  // Of parts as short as ours a Swift whose quota is used up says so.
  'EntityTooLarge',
])

function codeOf(err: unknown): string {
  // The library throws the error in an answer that said it was none as it was read.
  const { code, Code } = (err ?? {}) as { code?: unknown; Code?: unknown }
  return String(code ?? Code ?? '')
}

/** The same request may go through in a moment. */
export function isPassing(err: unknown): boolean {
  if (isFull(err)) return false
  if (err instanceof S3Failure && (err.status >= 500 || err.status === 429 || err.status === 408)) return true
  const code = codeOf(err)
  return BROKEN_CONNECTIONS.has(code) || BUSY.has(code)
}

function isMissing(err: unknown): boolean {
  return MISSING.has(codeOf(err))
}

function isFull(err: unknown): boolean {
  return FULL.has(codeOf(err)) || (err instanceof S3Failure && err.status === 507)
}

/** The failure in the words of the port. */
export function translated(err: unknown): Error {
  if (err instanceof BytesMissing || err instanceof Unavailable || err instanceof StorageFull) return err
  if (isFull(err)) return new StorageFull(err)
  if (isMissing(err)) return new BytesMissing('the S3 does not have it', { cause: err })
  return new StorageAway(err)
}
