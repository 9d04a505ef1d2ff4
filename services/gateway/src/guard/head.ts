import type { IncomingMessage } from 'node:http'
import { isHost } from './host.ts'
import { RequestRefused } from './request-refused.ts'

/** How the body of a request is framed, and what its head says of the connection. */
export interface Head {
  readonly host: string
  readonly hasBody: boolean
  /** Names of further headers that end here, from `Connection`, lower case. */
  readonly hopByHop: readonly string[]
}

type RequestLike = Pick<IncomingMessage, 'method' | 'httpVersion' | 'rawHeaders'>

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
/** http-proxy frames a chunked body of these as no body at all, and pipes it all the same. */
const NEVER_CHUNKED: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS'])
const MAX_HEADERS = 200
/** Without them a request means something else; nobody may have them taken off on the way. */
const NEVER_DROPPED: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'authorization',
  'cookie',
])

/**
 * Reads how a request is framed from the headers as they came, twice-sent ones included.
 *
 * @throws {RequestRefused} two readers could disagree about where this request ends or whom it is for
 */
export function readHead(req: RequestLike): Head {
  const { method = '', rawHeaders } = req
  if (rawHeaders.length > 2 * MAX_HEADERS) throw new RequestRefused('too many headers', { status: 431 })
  const found: Record<string, string[]> = { host: [], 'content-length': [], 'transfer-encoding': [], connection: [] }
  let upgrade: string | undefined
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] as string).toLowerCase()
    if (name === 'upgrade') upgrade = rawHeaders[i + 1]
    else if (Object.hasOwn(found, name)) found[name]?.push(rawHeaders[i + 1] as string)
  }
  checkMethod(method, upgrade)
  const [host, ...moreHosts] = found.host as string[]
  if (host === undefined || moreHosts.length > 0 || !isHost(host)) throw new RequestRefused('one valid Host is needed')
  return {
    host,
    hasBody: hasBody(req, found['content-length'] as string[], found['transfer-encoding'] as string[]),
    hopByHop: hopByHop(found.connection as string[]),
  }
}

function checkMethod(method: string, upgrade: string | undefined): void {
  if (method === 'TRACE' || method === 'CONNECT') throw new RequestRefused(`${method} is not served`)
  if (!METHODS.has(method)) throw new RequestRefused('method not allowed', { code: 'METHOD_NOT_ALLOWED' })
  // An offer of cleartext HTTP/2 comes with every first request of some Java clients and may be ignored.
  if (upgrade !== undefined && upgrade.toLowerCase() !== 'h2c') throw new RequestRefused('no protocol to upgrade to')
}

function hasBody(req: RequestLike, lengths: string[], encodings: string[]): boolean {
  if (lengths.length > 1 || encodings.length > 1) throw new RequestRefused('the body is framed twice')
  const [length] = lengths
  const [encoding] = encodings
  if (encoding === undefined) {
    if (length === undefined) return false
    if (!/^\d{1,15}$/.test(length)) throw new RequestRefused('Content-Length is not a number')
    return Number(length) > 0
  }
  if (length !== undefined) throw new RequestRefused('the body is framed twice')
  if (encoding.toLowerCase() !== 'chunked') throw new RequestRefused('Transfer-Encoding other than chunked')
  if (req.httpVersion !== '1.1') throw new RequestRefused('Transfer-Encoding needs HTTP/1.1')
  if (NEVER_CHUNKED.has(req.method ?? '')) throw new RequestRefused(`${req.method} with a chunked body`)
  return true
}

function hopByHop(connection: string[]): string[] {
  if (connection.length === 0) return []
  const names = connection.flatMap((value) => value.toLowerCase().split(',')).map((name) => name.trim())
  if (names.some((name) => NEVER_DROPPED.has(name))) throw new RequestRefused('Connection names a header we need')
  return names.filter((name) => name !== '' && name !== 'keep-alive' && name !== 'close')
}
