import type { IncomingHttpHeaders } from 'node:http'
import type { WorkContext } from '@berth/runtime'
import { type Client, forwardedHeaders } from '../client/index.ts'

/** Said between us and one neighbour only (RFC 9110, section 7.6.1); each hop makes its own. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
])

/** Claims about the client or the path that only we may make, and `Expect`, which we have answered ourselves. */
const OURS: ReadonlySet<string> = new Set([
  'expect',
  'proxy',
  'forwarded',
  'x-real-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'true-client-ip',
  'x-original-url',
  'x-rewrite-url',
  'x-request-id',
])
const OUR_PREFIXES = ['x-forwarded-', 'x-berth-', 'x-original-']

function isOursByPrefix(name: string): boolean {
  return name.startsWith('x-') && OUR_PREFIXES.some((prefix) => name.startsWith(prefix))
}

/** The headers a service behind us gets: the client's without what ends here, and ours. */
export function upstreamHeaders(
  headers: IncomingHttpHeaders,
  hopByHop: readonly string[],
  client: Client,
  context: WorkContext,
): IncomingHttpHeaders {
  const kept: IncomingHttpHeaders = {}
  for (const name in headers) {
    if (HOP_BY_HOP.has(name) || OURS.has(name) || isOursByPrefix(name)) continue
    if (hopByHop.includes(name)) continue
    kept[name] = headers[name]
  }
  const { requestId, traceparent } = context
  // State belongs to the trace it came with.
  if (headers.traceparent !== traceparent) delete kept.tracestate
  return Object.assign(kept, forwardedHeaders(client), { 'x-request-id': requestId, traceparent })
}

/** The headers a client gets of an answer, as a flat list of names and values in their order. */
export function clientHeaders(rawHeaders: readonly string[], connection: string | undefined): string[] {
  const named =
    connection
      ?.toLowerCase()
      .split(',')
      .map((name) => name.trim()) ?? []
  const kept: string[] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] as string).toLowerCase()
    if (HOP_BY_HOP.has(name) || name === 'x-request-id' || name.startsWith('x-berth-')) continue
    if (named.includes(name)) continue
    kept.push(rawHeaders[i] as string, rawHeaders[i + 1] as string)
  }
  return kept
}
