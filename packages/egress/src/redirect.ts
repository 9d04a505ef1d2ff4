import { EgressFailed, EgressRefused } from './refusals.ts'

const REDIRECTS = new Set([301, 302, 303, 307, 308])
const OF_THE_BODY = ['content-encoding', 'content-language', 'content-length', 'content-location', 'content-type']
const CREDENTIALS = ['authorization', 'cookie', 'proxy-authorization']

/**
 * Where an answer sends us on to, and with what; `undefined`: nowhere.
 *
 * @throws {EgressRefused} to something unprotected, or no web address
 * @throws {EgressFailed} with a body that cannot be sent twice, or to another origin: it may hold a secret
 * @see Fetch standard, "HTTP-redirect fetch"
 */
export function nextHop(from: URL, request: RequestInit, response: Response): [URL, RequestInit] | undefined {
  const location = response.headers.get('location')
  if (!REDIRECTS.has(response.status) || location === null) return undefined
  if (!URL.canParse(location, from.href)) throw new EgressFailed(`${from.hostname} redirects to what is no URL`)
  const to = new URL(location, from.href)
  if (from.protocol === 'https:' && to.protocol !== 'https:') throw new EgressRefused(`${to.hostname} without TLS`)
  const headers = new Headers(request.headers)
  const method = (request.method ?? 'GET').toUpperCase()
  const asGet = response.status === 303 ? !['GET', 'HEAD'].includes(method) : response.status < 303 && method === 'POST'
  if (asGet) for (const name of OF_THE_BODY) headers.delete(name)
  if (to.origin !== from.origin) for (const name of CREDENTIALS) headers.delete(name)
  const body = asGet ? undefined : request.body
  if (body instanceof ReadableStream) throw new EgressFailed(`${from.hostname} redirects what cannot be sent twice`)
  if (body && to.origin !== from.origin) throw new EgressFailed(`${from.hostname} redirects what is for it alone`)
  return [to, { ...request, method: asGet ? 'GET' : method, headers, body }]
}
