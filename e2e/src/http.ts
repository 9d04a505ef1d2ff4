import { Agent, type IncomingHttpHeaders, type IncomingMessage, request as plainRequest } from 'node:http'
import { request as tlsRequest } from 'node:https'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

export interface Ask {
  method?: string
  headers?: Record<string, string>
  /** A stream needs `content-length` in `headers`, else it goes out chunked. */
  body?: string | Buffer | Readable
  /** The whole exchange, answer included; 30 s unless told. */
  timeoutMs?: number
  /** Accepts any certificate: the tests sign their own. */
  anyCertificate?: boolean
  agent?: Agent
}

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  text: string
  tookMs: number
  json<T = unknown>(): T
}

/** No answer came, or it was cut off: what a client sees when a connection dies. */
export class Cut extends Error {
  override name = 'Cut'
}

const keepAlive = new Agent({ keepAlive: true, maxSockets: 256 })

/** One request, the whole answer as text. @throws {Cut} */
export async function ask(url: string | URL, options: Ask = {}): Promise<Answer> {
  const began = performance.now()
  return exchange(url, options, async (message) => {
    const chunks: Buffer[] = []
    for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk)
    const text = Buffer.concat(chunks).toString('utf8')
    return {
      status: message.statusCode ?? 0,
      headers: message.headers,
      text,
      tookMs: performance.now() - began,
      json: <T>() => JSON.parse(text) as T,
    }
  })
}

/** One request; `take` reads the answer as a stream. A body shorter than announced is an error. @throws {Cut} */
export async function exchange<T>(
  url: string | URL,
  options: Ask,
  take: (message: IncomingMessage) => Promise<T>,
): Promise<T> {
  const target = new URL(url)
  const signal = AbortSignal.timeout(options.timeoutMs ?? 30_000)
  const settings = { method: options.method ?? 'GET', headers: options.headers, signal }
  const request =
    target.protocol === 'https:'
      ? tlsRequest(target, { ...settings, rejectUnauthorized: !options.anyCertificate, agent: false })
      : plainRequest(target, { ...settings, agent: options.agent ?? keepAlive })
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve)
    request.on('error', reject)
  })
  try {
    const { body } = options
    if (body === undefined || typeof body === 'string' || Buffer.isBuffer(body)) request.end(body)
    // The answer may come, and end the request, before all is sent: then it is the answer that counts.
    else pipeline(body, request).catch((err: Error) => request.destroy(err))
    return await take(await answered)
  } catch (err) {
    const reason = err instanceof Error ? `${err.message}${'code' in err ? ` (${err.code})` : ''}` : String(err)
    throw new Cut(`${settings.method} ${target.pathname}: ${signal.aborted ? 'no end in time' : reason}`, {
      cause: err,
    })
  }
}

export const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
