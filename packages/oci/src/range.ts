import { DomainError } from '@berth/errors'

/** Bytes from `start` to `end`, both counted in; `lengthBytes` is `end - start + 1`, at least 1. */
export interface ByteRange {
  readonly start: number
  readonly end: number
  readonly lengthBytes: number
}

const REQUEST_RANGE = /^bytes=([0-9]*)-([0-9]*)$/i
const UPLOAD_RANGE = /^([0-9]{1,16})-([0-9]{1,16})$/
const MAX_HEADER_LENGTH = 128

/** RANGE_INVALID (416). A GET answers it with `Content-Range`, {@link unsatisfiedRange}. */
export class RangeInvalid extends DomainError {
  override name = 'RangeInvalid'
  readonly code = 'RANGE_INVALID'
  /** Size of what a part was asked of; absent when an upload's Content-Range cannot be read. */
  readonly sizeBytes?: number

  constructor(message: string, sizeBytes?: number) {
    super(message, sizeBytes === undefined ? {} : { detail: { sizeBytes } })
    this.sizeBytes = sizeBytes
  }
}

/**
 * Reads the `Range` of a GET for content of `sizeBytes`. `a-` and `-n` count from either end, an end past the last
 * byte is clipped. Several ranges, other units and what cannot be read are ignored, as RFC 9110 allows.
 *
 * @returns `undefined` when the whole content is to be sent
 * @throws {RangeInvalid} it starts past the last byte, ends before it starts, or asks for the last 0 bytes
 * @see RFC 9110, section 14.2; distribution-spec, "Pulling blobs"
 */
export function parseRange(header: string | undefined, sizeBytes: number): ByteRange | undefined {
  if (header === undefined || header.length > MAX_HEADER_LENGTH) return undefined
  const [, first, last] = REQUEST_RANGE.exec(header.trim()) ?? []
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined
  const start = first === '' ? Math.max(0, sizeBytes - Number(last)) : Number(first)
  const end = first === '' || last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1)
  if (start > end) throw new RangeInvalid('range cannot be satisfied', sizeBytes)
  return byteRange(start, end)
}

/** `Content-Range` of a 206. */
export function formatContentRange(range: ByteRange, sizeBytes: number): string {
  return `bytes ${range.start}-${range.end}/${sizeBytes}`
}

/** `Content-Range` of a 416. */
export function unsatisfiedRange(sizeBytes: number): string {
  return `bytes */${sizeBytes}`
}

/**
 * Reads the `Content-Range` of an upload's chunk, `a-b`, both counted in; absent means the chunk is streamed.
 *
 * @throws {RangeInvalid} when it is not `a-b`, or b is below a
 * @see distribution-spec, "Pushing a blob in chunks"
 */
export function parseUploadRange(header: string | undefined): ByteRange | undefined {
  if (header === undefined) return undefined
  const [, first, last] = UPLOAD_RANGE.exec(header.trim()) ?? []
  const start = Number(first)
  const end = Number(last)
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || end < start) {
    throw new RangeInvalid('Content-Range must be <start>-<end>')
  }
  return byteRange(start, end)
}

/** `Range` an upload session answers with: the bytes it holds; `0-0` while it holds none. */
export function formatUploadRange(sizeBytes: number): string {
  return `0-${Math.max(0, sizeBytes - 1)}`
}

function byteRange(start: number, end: number): ByteRange {
  return { start, end, lengthBytes: end - start + 1 }
}
