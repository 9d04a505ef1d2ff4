import type { IncomingMessage } from 'node:http'
import { DomainError } from '@berth/errors'
import type { Visit } from './visit.ts'

/** SIZE_INVALID (400): the body is not as long as it was said to be. */
export class SizeInvalid extends DomainError {
  override name = 'SizeInvalid'
  readonly code = 'SIZE_INVALID'
}

/** The body, which the client is told to go on sending if it asked first. Call it when the request is acceptable. */
export function openBody({ req, res }: Visit): IncomingMessage {
  if (req.headers.expect?.toLowerCase() === '100-continue') res.writeContinue()
  return req
}

/** Bytes the client announces; `undefined` when it streams. */
export function announcedBytes(req: IncomingMessage): number | undefined {
  const header = req.headers['content-length']
  return header === undefined ? (req.headers['transfer-encoding'] === undefined ? 0 : undefined) : Number(header)
}

/** The whole body. @throws what `tooLarge` makes when it has more than `maxBytes` */
export async function readBody(visit: Visit, maxBytes: number, tooLarge: () => Error): Promise<Buffer> {
  if ((announcedBytes(visit.req) ?? 0) > maxBytes) throw tooLarge()
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of openBody(visit) as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > maxBytes) throw tooLarge()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, length)
}
