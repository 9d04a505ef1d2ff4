import { readFileSync } from 'node:fs'
import * as http from 'node:http'
import * as https from 'node:https'
import type { LookupFunction } from 'node:net'
import { rootCertificates } from 'node:tls'
import { S3Failure } from './s3-failure.ts'

/** A connection on which nothing moves for so long is given up. */
const SILENCE_MS = 60_000
const IDLE_MS = 30_000
const MAX_CONNECTIONS = 128
const MAX_ERROR_BYTES = 64 * 1024

class Silence extends Error {
  override name = 'Silence'
  readonly code = 'ETIMEDOUT'
}

export interface S3Transport {
  request: typeof http.request
  agent: http.Agent
}

/**
 * Connections to an S3 that are kept, given up when nothing moves, and whose busy answers are failures with a code: the
 * client library would neither read such an answer nor tell what was in it.
 */
export function s3Transport(options: { tls: boolean; caFile?: string; lookup?: LookupFunction }): S3Transport {
  const { tls, caFile, lookup } = options
  const kept = { keepAlive: true, timeout: IDLE_MS, maxSockets: MAX_CONNECTIONS, lookup }
  const ca = caFile === undefined ? undefined : [...rootCertificates, readFileSync(caFile, 'utf8')]
  const agent = tls ? new https.Agent({ ...kept, ca }) : new http.Agent(kept)
  const base = tls ? https : http
  const request = (asked: http.RequestOptions, answered: (res: http.IncomingMessage) => void) => {
    const req = base.request({ ...asked, agent }, (res) => {
      if (!isBusy(res.statusCode ?? 0)) return answered(res)
      errorCode(res).then(
        (code) => req.emit('error', new S3Failure(res.statusCode ?? 0, code)),
        (err) => req.emit('error', err),
      )
    })
    req.setTimeout(SILENCE_MS, () => req.destroy(new Silence('nothing was heard of the S3')))
    return req
  }
  return { request: request as typeof http.request, agent }
}

function isBusy(status: number): boolean {
  return status >= 500 || status === 408 || status === 429 || status === 499
}

/** What stands between `<Code>` and `</Code>`; the rest is read and forgotten, so that the connection can be kept. */
async function errorCode(res: http.IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of res) if (text.length < MAX_ERROR_BYTES) text += String(chunk)
  return /<Code>([A-Za-z0-9.]{1,64})<\/Code>/.exec(text)?.[1] ?? ''
}
