import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import type { Person } from '../api.ts'
import { basic, exchange } from '../http.ts'

export interface Reply {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
  /** Where the reply came from, after redirects; what a relative Location is read against. */
  url: URL
}

export interface Sending {
  headers?: Record<string, string>
  /** A function that opens a stream sends it chunked, without a length. */
  body?: Buffer | (() => Readable)
}

const MOST_REDIRECTS = 5

/**
 * A client that knows nothing but what the registry tells it: every request goes out without a credential, the
 * challenge names realm, service and scope, and a token got for exactly that scope goes with the second try.
 *
 * @see distribution-spec, "Determining Support"; the token flow of RFC 6750 as docker has it
 */
export class Wire {
  readonly base: string
  readonly #person: Person
  readonly #tokens = new Map<string, string>()

  constructor(base: string, person: Person) {
    this.base = base
    this.#person = person
  }

  /** `target` is a path below the base or a whole URL, as a Location may be either. */
  async send(method: string, target: string | URL, sending: Sending = {}): Promise<Reply> {
    const url = new URL(target, this.base)
    const first = await once(method, url, sending)
    if (first.status !== 401) return this.#follow(method, first, sending)
    const authorization = await this.#answerTo(first)
    const headers = { ...sending.headers, authorization }
    return this.#follow(method, await once(method, url, { ...sending, headers }), sending)
  }

  /**
   * A redirect leads to another host, which must not see the token and knows nothing of digests: that one is told by the
   * answer that sends there.
   */
  async #follow(method: string, reply: Reply, sending: Sending): Promise<Reply> {
    let last = reply
    for (let hop = 0; last.status >= 301 && last.status <= 308 && last.headers.location; hop += 1) {
      if (hop === MOST_REDIRECTS) throw new Error(`more than ${MOST_REDIRECTS} redirects from ${reply.url}`)
      last = await once(method, new URL(last.headers.location, last.url), sending)
    }
    const told = last.headers['docker-content-digest'] ?? reply.headers['docker-content-digest']
    return { ...last, headers: { ...last.headers, ...(told && { 'docker-content-digest': told }) } }
  }

  async #answerTo(refused: Reply): Promise<string> {
    const challenge = refused.headers['www-authenticate'] ?? ''
    if (!/^bearer /i.test(challenge)) throw new Error(`401 with the challenge ${JSON.stringify(challenge)}`)
    const told = Object.fromEntries([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]))
    const scope = told.scope ?? ''
    const known = this.#tokens.get(scope)
    if (known !== undefined) return known
    const realm = new URL(told.realm ?? '', refused.url)
    realm.searchParams.set('service', told.service ?? '')
    if (scope !== '') realm.searchParams.set('scope', scope)
    const headers = { authorization: basic(this.#person.name, this.#person.password) }
    const answer = await once('GET', realm, { headers })
    if (answer.status !== 200) throw new Error(`a token for ${scope}: ${answer.status} ${answer.body}`)
    const { token } = JSON.parse(answer.body.toString('utf8')) as { token: string }
    this.#tokens.set(scope, `Bearer ${token}`)
    return `Bearer ${token}`
  }
}

function once(method: string, url: URL, sending: Sending): Promise<Reply> {
  const { body } = sending
  const headers = { ...sending.headers }
  if (body === undefined && method !== 'GET' && method !== 'HEAD' && method !== 'DELETE')
    headers['content-length'] = '0'
  const options = { method, headers, body: typeof body === 'function' ? body() : body, timeoutMs: 120_000 }
  return exchange(url, options, async (message) => {
    const chunks: Buffer[] = []
    for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk)
    return { status: message.statusCode ?? 0, headers: message.headers, body: Buffer.concat(chunks), url }
  })
}
