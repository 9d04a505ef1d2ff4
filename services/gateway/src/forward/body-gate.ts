import type { ClientRequest } from 'node:http'
import { Stream } from 'node:stream'

/**
 * What http-proxy pipes into the request it made, in place of the client's body. It hands that request over before a
 * byte of it is sent, so that the body stays with us until there is a connection to send it on.
 */
export class BodyGate extends Stream {
  readonly #open: (proxyReq: ClientRequest) => void

  constructor(open: (proxyReq: ClientRequest) => void) {
    super()
    this.#open = open
  }

  override pipe<T extends NodeJS.WritableStream>(destination: T): T {
    this.#open(destination as unknown as ClientRequest)
    return destination
  }
}
