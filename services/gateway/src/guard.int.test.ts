import { once } from 'node:events'
import { type ClientRequest, get, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { describe, expect, it } from 'vitest'
import { ask, codesOf, openTrial, sendRaw, statusesOf, until } from './trial/index.ts'

const CHUNK = Buffer.alloc(64 * 1024, 1)

/** Sends for ever. */
function endless(_req: IncomingMessage, res: ServerResponse): void {
  res.writeHead(200, { 'content-type': 'application/octet-stream' })
  const send = () => {
    while (res.write(CHUNK));
    if (!res.destroyed) res.once('drain', send)
  }
  send()
}

/** Resolves with the first bytes of the answer, which goes on. */
async function begin(url: string): Promise<{ request: ClientRequest; response: IncomingMessage }> {
  const going = get(url, { agent: false })
  going.on('error', () => undefined)
  const [response] = (await once(going, 'response')) as [IncomingMessage]
  response.on('error', () => undefined)
  await once(response, 'readable')
  return { request: going, response }
}

describe('a client that leaves', () => {
  it('in the middle of its download takes the service’s request with it, a hundred times over', async () => {
    const trial = await openTrial()
    const [registry] = trial.registry
    registry?.answer(endless)
    const downloads = await Promise.all(Array.from({ length: 100 }, () => begin(`${trial.url}/v2/a/b/blobs/x`)))
    expect(registry?.running()).toBe(100)
    for (const download of downloads) download.request.destroy()
    await until(() => expect(registry?.running()).toBe(0))
    await until(() => expect(trial.lines.filter(({ fields }) => fields.aborted === true)).toHaveLength(100))
    expect(await trial.metrics()).toContain('berth_gateway_http_in_flight_requests{service="gateway"} 0')
  })

  it('before there is an answer takes it along too', async () => {
    const trial = await openTrial()
    const [core] = trial.core
    core?.answer(() => undefined)
    const waiting = Array.from({ length: 20 }, () => {
      const going = get(`${trial.url}/api/v2.0/projects`, { agent: false })
      going.on('error', () => undefined)
      return going
    })
    await until(() => expect(core?.running()).toBe(20))
    for (const going of waiting) going.destroy()
    await until(() => expect(core?.running()).toBe(0))
  })

  it('in the middle of its upload never leaves a whole one behind', async () => {
    const trial = await openTrial()
    const [registry] = trial.registry
    const ends: string[] = []
    registry?.answer((req) => {
      req.on('end', () => ends.push('whole'))
      req.on('error', () => ends.push('broken'))
      req.resume()
    })
    const uploads = Array.from({ length: 20 }, () => {
      const going = request(`${trial.url}/v2/a/b/blobs/uploads/1`, { method: 'PATCH', agent: false })
      going.on('error', () => undefined)
      going.write(CHUNK)
      return going
    })
    await until(() => expect(registry?.running()).toBe(20))
    for (const going of uploads) going.destroy()
    await until(() => expect(registry?.running()).toBe(0))
    expect(new Set(ends)).toEqual(new Set(['broken']))
  })
})

describe('a service that dies in the middle of its answer', () => {
  it.each([
    ['of known length', { 'content-length': '10000000' }],
    ['in chunks', {}],
  ])('%s cuts the client, who cannot take half of it for the whole', async (_name, headers) => {
    const trial = await openTrial()
    const [registry] = trial.registry
    registry?.answer((_req, res) => {
      res.writeHead(200, headers)
      res.write(CHUNK)
    })
    const { response } = await begin(`${trial.url}/v2/a/b/blobs/x`)
    const ended = new Promise<string>((resolve) => {
      response.once('end', () => resolve('whole'))
      response.once('error', (err: NodeJS.ErrnoException) => resolve(err.code ?? 'error'))
    })
    response.resume()
    await registry?.kill()
    expect(await ended).toBe('ECONNRESET')
  })

  it('does not turn into a second answer on the same connection', async () => {
    const trial = await openTrial()
    trial.registry[0]?.answer((_req, res) => {
      res.writeHead(200, { 'content-length': '100' })
      res.write('half', () => res.destroy())
    })
    const text = await sendRaw(trial.gateway.port, 'GET /v2/x HTTP/1.1\r\nHost: a\r\n\r\n')
    expect(text.endsWith('half')).toBe(true)
    expect(text.match(/HTTP\/1\.1/g)).toHaveLength(1)
  })
})

describe('a service that answers before it has the whole body', () => {
  it('leaves the connection fit for the next request, however much of the body was still to come', async () => {
    const trial = await openTrial()
    trial.registry[0]?.answer((req, res) => {
      const refused = req.method === 'PUT'
      res.writeHead(refused ? 413 : 200, { 'content-length': 0 }).end()
    })
    const body = 'x'.repeat(8 * 1024 * 1024)
    const put = `PUT /v2/a/b/manifests/c HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`
    const text = await sendRaw(trial.gateway.port, [`${put}${body}`, 'GET /v2/ HTTP/1.1\r\nHost: a\r\n\r\n'], 2_000)
    expect(statusesOf(text)).toEqual([413, 200])
  })

  it('is heard by the client, and its request is not kept waiting', async () => {
    const trial = await openTrial()
    const [registry] = trial.registry
    registry?.answer((_req, res) => res.writeHead(401, { 'content-type': 'text/plain' }).end('no'))
    const body = Buffer.alloc(32 * 1024 * 1024)
    const answers = [1, 2, 3].map(() => ask(`${trial.url}/v2/a/b/blobs/uploads/1`, { method: 'PUT', body }))
    for (const answer of await Promise.all(answers)) expect([answer.status, answer.body]).toEqual([401, 'no'])
    await until(() => expect(registry?.running()).toBe(0))
  })
})

describe('a service that is silent', () => {
  it('longer than allowed is answered for with 504, and its request is ended', async () => {
    const trial = await openTrial({ env: { BERTH_GATEWAY_ANSWER_TIMEOUT_SECONDS: '0.2' } })
    const [core] = trial.core
    core?.answer(() => undefined)
    const answer = await ask(`${trial.url}/api/v2.0/projects`)
    expect([answer.status, codesOf(answer), answer.headers['retry-after']]).toEqual([504, ['GATEWAY_TIMEOUT'], '5'])
    await until(() => expect(core?.running()).toBe(0))
  })

  it('while the client still sends its body is waited for', async () => {
    const trial = await openTrial({ env: { BERTH_GATEWAY_ANSWER_TIMEOUT_SECONDS: '0.2' } })
    const going = request(`${trial.url}/v2/a/b/blobs/uploads/1`, { method: 'PATCH', agent: false })
    const answered = once(going, 'response') as Promise<[IncomingMessage]>
    for (let i = 0; i < 5; i++) {
      going.write('x')
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    going.end()
    const [response] = await answered
    response.resume()
    expect(response.statusCode).toBe(200)
    expect(trial.registry[0]?.seen[0]?.body).toBe('xxxxx')
  })
})

describe('a client that asks before it sends', () => {
  const askFirst = (url: string, headers: Record<string, string> = {}) =>
    request(url, {
      method: 'PUT',
      agent: false,
      headers: { expect: '100-continue', 'content-length': '4', ...headers },
    })

  it('is told to go on once there is a service to take it', async () => {
    const trial = await openTrial()
    const going = askFirst(`${trial.url}/v2/a/b/blobs/uploads/1`)
    going.flushHeaders()
    await once(going, 'continue')
    going.end('body')
    const [response] = (await once(going, 'response')) as [IncomingMessage]
    response.resume()
    expect(response.statusCode).toBe(200)
    const [seen] = trial.registry[0]?.seen ?? []
    expect([seen?.body, seen?.headers.expect]).toEqual(['body', undefined])
  })

  it('is refused without having sent anything', async () => {
    const trial = await openTrial()
    await trial.registry[0]?.kill()
    for (const [path, status] of [
      ['/v2/a/b/blobs/uploads/1', 503],
      ['/v2/../x', 400],
    ] as const) {
      const text = await sendRaw(
        trial.gateway.port,
        `PUT ${path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n`,
      )
      expect(text.startsWith(`HTTP/1.1 ${status} `), text).toBe(true)
    }
  })
})
