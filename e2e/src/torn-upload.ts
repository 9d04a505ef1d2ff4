import { request } from 'node:http'
import type { RegistryClient } from './registry-client.ts'

export interface Torn {
  /** What came back, if anything: the server may answer or cut. */
  ended: Promise<number | 'cut'>
  /** Ends it from this side, whatever has been sent. */
  abandon(): void
}

/**
 * Begins to send `bytes` to an upload and stops after `offset` of them, with the connection open: the rest never comes.
 * Resolves once those bytes are handed to the system.
 */
export async function sendPart(
  client: RegistryClient,
  method: 'PATCH' | 'PUT',
  target: URL,
  bytes: Buffer,
  offset: number,
): Promise<Torn> {
  const headers = client.headers({
    'content-type': 'application/octet-stream',
    'content-length': String(bytes.length),
  })
  const upload = request(target, { method, headers, agent: false })
  const ended = new Promise<number | 'cut'>((resolve) => {
    upload.once('response', (answer) => {
      answer.resume().once('end', () => resolve(answer.statusCode ?? 0))
      answer.once('error', () => resolve('cut'))
    })
    upload.once('error', () => resolve('cut'))
    upload.once('close', () => resolve('cut'))
  })
  const flushed = new Promise<void>((resolve) => upload.write(bytes.subarray(0, offset), () => resolve()))
  await Promise.race([flushed, ended])
  return { ended, abandon: () => void upload.destroy() }
}
