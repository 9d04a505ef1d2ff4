import { DomainError } from '@berth/errors'

/** A checked upload session id: 1 to 128 letters, digits, `-` and `_`, so it is safe as a file or key name. */
export type SessionId = string & { readonly __brand: 'SessionId' }

const SESSION_ID = /^[A-Za-z0-9_-]{1,128}$/

/** BLOB_UPLOAD_UNKNOWN (404): no such upload session, or it has expired. */
export class BlobUploadUnknown extends DomainError {
  override name = 'BlobUploadUnknown'
  readonly code = 'BLOB_UPLOAD_UNKNOWN'
}

/** @throws {BlobUploadUnknown} when the text cannot be a session id, so no such session exists */
export function parseSessionId(text: string): SessionId {
  if (!SESSION_ID.test(text)) throw new BlobUploadUnknown('blob upload unknown to registry')
  return text as SessionId
}
