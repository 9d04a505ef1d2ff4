import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { ask, codesOf, openTrial, sendRaw, until } from './trial/index.ts'

const NOISE = randomBytes(9_000_001)
const digestOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

/** Reads an answer, after each piece of about `everyBytes` doing nothing for a moment. */
async function pull(url: string, everyBytes = Number.POSITIVE_INFINITY): Promise<string> {
  const request = get(url, { agent: false })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  const hash = createHash('sha256')
  let since = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    hash.update(chunk)
    since += chunk.length
    if (since > everyBytes) {
      since = 0
      await sleep(5)
    }
  }
  return hash.digest('hex')
}

const servers: { server: Server; sockets: Set<Socket> }[] = []
afterEach(async () => {
  for (const { server, sockets } of servers.splice(0)) {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
})

/** A service that answers each request on its connections with these bytes, and then does what `after` does. */
async function rawService(answer: string | Buffer, after: (socket: Socket) => void = () => undefined) {
  const sockets = new Set<Socket>()
  const asked = new Set<Socket>()
  let requests = 0
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('data', () => {
      requests++
      asked.add(socket)
      socket.write(answer, () => after(socket))
    })
  })
  servers.push({ server, sockets })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const trial = await openTrial({ env: { BERTH_GATEWAY_REGISTRY_URLS: url } })
  return { trial, requests: () => requests, connections: () => asked.size }
}

describe('a body that is read', () => {
  it.each([
    ['of known length', { 'content-length': NOISE.length }],
    ['in chunks', {}],
    ['until the connection ends', { connection: 'close', 'transfer-encoding': 'identity' }],
  ])('%s comes whole to many readers at once, quick and slow', async (name, headers) => {
    const trial = await openTrial()
    trial.registry[0]?.answer((_req, res) => {
      if (name.startsWith('until')) res.useChunkedEncodingByDefault = false
      res.writeHead(200, name.startsWith('until') ? { connection: 'close' } : headers)
      for (let at = 0; at < NOISE.length; at += 1_000_000) res.write(NOISE.subarray(at, at + 1_000_000))
      res.end()
    })
    const url = `${trial.url}/v2/a/b/blobs/x`
    const readers = Array.from({ length: 12 }, (_, n) => pull(url, n % 2 === 0 ? undefined : 400_000))
    expect(new Set(await Promise.all(readers))).toEqual(new Set([digestOf(NOISE)]))
  })

  it('of any length comes whole, over one connection to the service', async () => {
    const trial = await openTrial()
    const connections = new Set<Socket>()
    trial.registry[0]?.answer((req, res) => {
      connections.add(req.socket)
      const body = NOISE.subarray(0, Number(req.url?.split('/').at(-1)))
      res.writeHead(200, { 'content-length': body.length }).end(body)
    })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    for (const length of [0, 1, 15_000, 16_383, 16_384, 16_385, 40_000, 524_287, 524_288, 524_289, 2_000_000, 3]) {
      const answer = await ask(`${trial.url}/v2/a/${length}`, { agent })
      expect([answer.status, answer.body.length]).toEqual([200, length])
      expect(digestOf(Buffer.from(answer.body, 'latin1'))).toBe(digestOf(NOISE.subarray(0, length)))
    }
    agent.destroy()
    expect(connections.size).toBe(1)
  })

  it('is told by its headers alone when that was asked for, and the connection goes on', async () => {
    const { trial, connections } = await rawService('HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n')
    for (const _ of [1, 2, 3]) {
      const { status, headers } = await ask(`${trial.url}/v2/a`, { method: 'HEAD' })
      expect([status, headers['content-length']]).toEqual([200, '1234'])
    }
    expect(connections()).toBe(1)
  })
})

describe('an answer', () => {
  it('that comes letter by letter is understood, also after an interim one', async () => {
    const trial = await openTrial()
    trial.registry[0]?.answer((req) => {
      const text = 'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'
      void (async () => {
        for (const letter of text) {
          req.socket.write(letter)
          await sleep(0)
        }
      })()
    })
    const answer = await ask(`${trial.url}/v2/a`)
    expect([answer.status, answer.body]).toEqual([200, 'hello'])
  })

  it.each([
    ['is no HTTP', 'hello\r\n\r\n'],
    ['is framed twice', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['speaks another protocol', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n'],
    ['has a head without end', `HTTP/1.1 200 OK\r\n${'A: b\r\n'.repeat(12_000)}`],
  ])('that %s is 502, and no part of it reaches the client', async (_, text) => {
    const { trial } = await rawService(text)
    const answer = await ask(`${trial.url}/v2/a`)
    expect([answer.status, codesOf(answer)]).toEqual([502, ['BAD_GATEWAY']])
  })

  it('followed by more than it announced ends there, and the connection is not used again', async () => {
    const { trial, requests } = await rawService(
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil',
    )
    for (const _ of [1, 2, 3]) expect((await ask(`${trial.url}/v2/a`)).body).toBe('ok')
    expect(requests()).toBe(3)
  })

  it('nobody asked for ends the connection it came on', async () => {
    const { trial } = await rawService('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', (socket) => {
      setTimeout(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'), 50)
    })
    for (const _ of [1, 2, 3]) {
      expect((await ask(`${trial.url}/v2/a`)).body).toBe('ok')
      await sleep(120)
    }
  })

  it('with a broken chunk is cut', async () => {
    const { trial } = await rawService('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n')
    const text = await sendRaw(trial.gateway.port, 'GET /v2/a HTTP/1.1\r\nHost: a\r\n\r\n')
    expect(text.endsWith('0\r\n\r\n')).toBe(false)
  })
})

describe('a connection that was kept', () => {
  it('and was closed by the service meanwhile is replaced', async () => {
    const trial = await openTrial()
    const [registry] = trial.registry
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    for (const _ of [1, 2, 3]) {
      expect((await ask(`${trial.url}/v2/a`, { agent })).body).toBe('registry-0')
      await registry?.kill()
      await registry?.revive()
      await until(() => expect(trial.gateway.pools.registry.upstreams[0]?.state).toBe('ready'))
    }
    agent.destroy()
    expect(registry?.seen).toHaveLength(3)
  })
})
