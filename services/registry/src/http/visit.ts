import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { RepositoryName } from '@berth/oci'
import { type Action, type Caller, type Grant, NotAuthorized } from '../auth/index.ts'

/** One request on its way through: who it is from, and what it is answered on. */
export interface Visit {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly query: URLSearchParams
  /** `https://host` as the client knows us. */
  readonly base: string
  readonly caller: Caller
}

/** @throws {NotAuthorized} the caller may not */
export function grantOf(caller: Caller, name: RepositoryName, action: Action): Grant {
  const grant = caller.findGrant(name, action)
  if (grant === undefined) throw new NotAuthorized('denied', { name, action })
  return grant
}

/** Answers without a body. */
export function answerEmpty(visit: Visit, status: number, headers: OutgoingHttpHeaders = {}): void {
  visit.res.writeHead(status, { 'content-length': 0, ...headers }).end()
}

/** Up to here a body goes out in one write with its headers, which takes two thirds of the time of two. */
const ONE_WRITE_BYTES = 12 * 1024

/** Answers with bytes at hand; a HEAD gets their headers. */
export function answerBytes(
  visit: Visit,
  status: number,
  bytes: Uint8Array,
  headers: Record<string, string | number>,
): void {
  const { req, res } = visit
  res.writeHead(status, { ...headers, 'content-length': bytes.length })
  if (req.method === 'HEAD') res.end()
  else if (bytes.length > ONE_WRITE_BYTES) res.end(bytes)
  else res.end(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1'), 'latin1')
}

export function answerJson(visit: Visit, body: unknown, headers: Record<string, string | number> = {}): void {
  const bytes = Buffer.from(JSON.stringify(body))
  answerBytes(visit, 200, bytes, { 'content-type': 'application/json; charset=utf-8', ...headers })
}

/** Whether the client has exactly this already. @see RFC 9110, section 13.1.2 */
export function isKnownToClient(req: IncomingMessage, etag: string): boolean {
  const header = req.headers['if-none-match']
  if (header === undefined || header.length > 4_096) return false
  return header.split(',').some((entry) => entry.trim() === '*' || entry.trim().replace(/^W\//, '') === etag)
}
