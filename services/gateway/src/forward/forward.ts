import { Agent, type ClientRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import httpProxy from 'http-proxy'
import type { Answer } from './answer-head.ts'
import { BodyGate } from './body-gate.ts'
import { ForwardFailed } from './forward-failed.ts'
import { createLane } from './lane.ts'
import { relay } from './relay.ts'
import type { Limits, Target } from './target.ts'

export interface Passing {
  /** `none`: the request has none. `stream`: the client's, untouched so far. A buffer: what was read of it already. */
  readonly body: 'none' | 'stream' | Buffer
  /** The client waits for `100 Continue` before it sends its body. */
  readonly expectsContinue: boolean
  onBytesIn(count: number): void
  onBytesOut(count: number): void
  /** Begins the answer to the client. */
  writeHead(answer: Answer): void
}

export interface Forwarder {
  /**
   * Passes a request on as it stands in `req.headers` and `req.url`, and its answer back; streams both, holds at most
   * what the sockets do. Resolves when the client has its answer or is gone; in the second case the service's request
   * is ended. An answer that breaks off is cut for the client too, never ended as if it were whole.
   *
   * @throws {ForwardFailed} there was no answer; nothing was sent to the client
   */
  forward(req: IncomingMessage, res: ServerResponse, target: Target, passing: Passing): Promise<void>
  close(): void
}

/** Reads that met a connection just closed by its other end can be sent again; they alone may share connections. */
const SHARES_CONNECTIONS: ReadonlySet<string> = new Set(['GET', 'HEAD'])

/** Reads go the short way over connections that are kept; everything else goes through `http-proxy`. */
export function createForwarder(options: Limits): Forwarder {
  const proxy = httpProxy.createProxyServer({ toProxy: true, prependPath: false, selfHandleResponse: true })
  // A client that leaves is no event of ours to handle here: the guard below has ended the request.
  proxy.on('econnreset', () => undefined)
  const lane = createLane(options)
  const single = new Agent({ keepAlive: true })
  // Says keep-alive, so the service reads on after an early answer instead of resetting the connection, yet keeps none.
  single.maxFreeSockets = 0

  const forward: Forwarder['forward'] = (req, res, target, passing) => {
    if (passing.body === 'none' && SHARES_CONNECTIONS.has(req.method ?? '')) return lane.pass(req, res, target, passing)
    return new Promise((resolve, reject) => {
      const passage = new Passage(req, res, passing, options, { resolve, reject })
      const { hostname, port } = target
      proxy.web(
        req,
        res,
        { target: { protocol: 'http:', host: hostname, hostname, port }, agent: single, buffer: passage.gate },
        (err) => passage.fail(err),
      )
    })
  }
  return {
    forward,
    close: () => {
      lane.close()
      single.destroy()
    },
  }
}

/** One request on its way to one service, with the guard that `http-proxy` alone does not have. */
class Passage {
  readonly gate = new BodyGate((proxyReq) => this.#begin(proxyReq))
  readonly #req: IncomingMessage
  readonly #res: ServerResponse
  readonly #passing: Passing
  readonly #limits: Limits
  readonly #promise: { resolve: () => void; reject: (err: ForwardFailed) => void }
  readonly #clientGone = () => this.#end()
  #stage: 'connect' | 'answer' | 'relay' = 'connect'
  #proxyReq: ClientRequest | undefined
  #answer: IncomingMessage | undefined
  #timer: NodeJS.Timeout | undefined
  #timedOut = false
  #stopBody = (): void => undefined

  constructor(
    req: IncomingMessage,
    res: ServerResponse,
    passing: Passing,
    limits: Limits,
    promise: { resolve: () => void; reject: (err: ForwardFailed) => void },
  ) {
    this.#req = req
    this.#res = res
    this.#passing = passing
    this.#limits = limits
    this.#promise = promise
  }

  /** Called for every error of either side; only the first that comes before an answer is told. */
  fail(cause: unknown): void {
    if (this.#res.destroyed || this.#stage === 'relay' || cause === this.#req.errored) {
      // The whole answer may be on its way although the service did not want the whole body.
      if (!this.#answer?.complete) this.#res.destroy()
      return
    }
    clearTimeout(this.#timer)
    this.#res.off('close', this.#clientGone)
    this.#proxyReq?.destroy()
    this.#promise.reject(new ForwardFailed(this.#stage, { timedOut: this.#timedOut, cause }))
  }

  #begin(proxyReq: ClientRequest): void {
    this.#proxyReq = proxyReq
    // http-proxy joins and cleans paths; what we have checked goes out byte for byte.
    proxyReq.path = this.#req.url ?? '/'
    this.#res.once('close', this.#clientGone)
    if (this.#res.destroyed) return void this.#end()
    proxyReq.once('response', (answer) => this.#relay(answer))
    proxyReq.once('socket', (socket) => {
      if (!socket.connecting) return this.#send()
      this.#arm(this.#limits.connectTimeoutMs)
      socket.once('connect', () => this.#send())
    })
  }

  #send(): void {
    const proxyReq = this.#proxyReq as ClientRequest
    if (proxyReq.destroyed) return
    clearTimeout(this.#timer)
    this.#stage = 'answer'
    proxyReq.once('finish', () => this.#arm(this.#limits.answerTimeoutMs))
    const { body } = this.#passing
    if (body === 'none') return void proxyReq.end()
    if (body !== 'stream') {
      this.#passing.onBytesIn(body.length)
      return void proxyReq.end(body)
    }
    if (this.#passing.expectsContinue) this.#res.writeContinue()
    this.#stopBody = relay(this.#req, proxyReq, this.#passing.onBytesIn)
  }

  #relay(answer: IncomingMessage): void {
    clearTimeout(this.#timer)
    this.#stage = 'relay'
    this.#answer = answer
    if (this.#res.destroyed) return void this.#end()
    answer.on('error', () => this.#res.destroy())
    answer.once('close', () => {
      if (!answer.complete) this.#res.destroy()
    })
    this.#passing.writeHead(answer)
    relay(answer, this.#res, this.#passing.onBytesOut)
  }

  #arm(ms: number): void {
    clearTimeout(this.#timer)
    if (this.#stage === 'relay') return
    this.#timer = setTimeout(() => {
      this.#timedOut = true
      this.#proxyReq?.destroy(new Error(`nothing came within ${ms} ms`))
    }, ms)
  }

  /** The client has all it will get. What the service still sends or takes for it is ended. */
  #end(): void {
    clearTimeout(this.#timer)
    if (!this.#answer?.complete || !this.#proxyReq?.writableFinished) this.#proxyReq?.destroy()
    // What is left of the body stands before the next request on the client's connection.
    this.#stopBody()
    this.#req.resume()
    this.#promise.resolve()
  }
}
