import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { sleep } from '../process.ts'

/** What is done to one request instead of passing it on whole. */
export type Fault =
  /** Answered by us, in S3's words; the request is not passed on. */
  | { kind: 'refused'; status: 500 | 503; code: string }
  /** The connection ends while the request is sent, or while the answer is. */
  | { kind: 'request cut' | 'answer cut'; afterBytes: number }
  /** Passed on, and what it does is done, but nobody is told. */
  | { kind: 'answer lost' }
  /** Every piece of the answer waits. */
  | { kind: 'slow'; pauseMs: number }
  /** Told that it was done, and not passed on. */
  | { kind: 'not done' }

export interface S3Request {
  method: string
  path: string
  query: URLSearchParams
}

export interface S3Faults {
  /** Base URL to use in place of the true one. Signatures hold: the Host header is passed on as it came. */
  url: string
  /** Asked for every request; undefined passes it on. Set anew at any time. */
  plan: (asked: S3Request) => Fault | undefined
  /** How often each kind of fault was done since the start. */
  done: Record<Fault['kind'], number>
  stop(): Promise<void>
}

/** Stands before an S3 and does to its requests what the plan says. */
export async function startS3Faults(target: string): Promise<S3Faults> {
  const upstream = new URL(target)
  const done = { refused: 0, 'request cut': 0, 'answer cut': 0, 'answer lost': 0, slow: 0, 'not done': 0 }
  const server = createServer((incoming, answer) => {
    const { method = 'GET', url: path = '/' } = incoming
    const parsed = new URL(path, target)
    const fault = faults.plan({ method, path: parsed.pathname, query: parsed.searchParams })
    if (fault) done[fault.kind] += 1
    serve(upstream, incoming, answer, fault).catch(() => answer.destroy())
  })
  server.requestTimeout = 0
  const faults: S3Faults = {
    url: '',
    plan: () => undefined,
    done,
    stop: () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      return closed
    },
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  faults.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return faults
}

async function serve(upstream: URL, incoming: IncomingMessage, answer: ServerResponse, fault?: Fault): Promise<void> {
  if (fault?.kind === 'refused' || fault?.kind === 'not done') {
    await incoming.resume().toArray()
    if (fault.kind === 'refused') {
      const body = `<?xml version="1.0"?><Error><Code>${fault.code}</Code><Message>as planned</Message></Error>`
      answer.writeHead(fault.status, { 'content-type': 'application/xml' }).end(incoming.method === 'HEAD' ? '' : body)
    } else if (incoming.method === 'DELETE') answer.writeHead(204).end()
    else answer.writeHead(200, { 'content-type': 'application/xml' }).end('<?xml version="1.0"?><DeleteResult/>')
    return
  }
  const { method, url: path, headers } = incoming
  const outgoing = request({ host: upstream.hostname, port: upstream.port, method, path, headers, agent: false })
  answer.once('close', () => outgoing.destroy())
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve)
    outgoing.once('error', reject)
  })
  const sent =
    fault?.kind === 'request cut'
      ? pipeline(incoming, cutAfter(fault.afterBytes), outgoing)
      : pipeline(incoming, outgoing)
  sent.catch((err: Error) => outgoing.destroy(err))
  const response = await answered
  if (fault?.kind === 'answer lost') {
    await response.resume().toArray()
    answer.destroy()
    return
  }
  answer.writeHead(response.statusCode ?? 502, response.rawHeaders)
  if (fault?.kind === 'answer cut') await pipeline(response, cutAfter(fault.afterBytes), answer)
  else if (fault?.kind === 'slow') await pipeline(response, slowed(fault.pauseMs), answer)
  else await pipeline(response, answer)
}

/** Passes so many bytes on and then fails, which ends both sides. */
function cutAfter(limit: number): Transform {
  let left = limit
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const passed = chunk.subarray(0, left)
      left -= passed.length
      if (passed.length > 0) this.push(passed)
      if (left === 0) setTimeout(() => done(new Error('cut as planned')), 20)
      else done()
    },
    flush: (done) => done(new Error('cut as planned')),
  })
}

function slowed(pauseMs: number): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sleep(pauseMs).then(() => done(null, chunk), done)
    },
  })
}
