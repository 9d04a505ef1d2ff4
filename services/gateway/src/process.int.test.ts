import { once } from 'node:events'
import { get, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { type Bus, connectBus } from '@berth/messaging'
import { natsSettings, silentLogger } from '@berth/runtime'
import { type ThrowAwayNats, throwAwayNats } from '@berth/testkit'
import { healthCheck, logSubject } from '@berth/types'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ask, type GatewayProcess, openService, type Service, startGateway, until } from './trial/index.ts'

const MIB = 1024 * 1024
const TRANSFER_MIB = 256
/** A Node process with everything we import is about 60 MiB; the promise for any service is 200. */
const PSS_LIMIT_MIB = 150

let service: Service
let nats: ThrowAwayNats
let gateway: GatewayProcess | undefined
beforeAll(async () => {
  nats = await throwAwayNats()
})
afterAll(() => nats?.stop())
beforeEach(async () => {
  service = await openService('everything')
})
afterEach(async () => {
  gateway?.child.kill('SIGKILL')
  gateway = undefined
  await service.kill()
})

async function start(env: NodeJS.ProcessEnv = {}): Promise<GatewayProcess> {
  gateway = await startGateway({
    NATS_URL: nats.url,
    BERTH_GATEWAY_CORE_URLS: service.url,
    BERTH_GATEWAY_REGISTRY_URLS: service.url,
    BERTH_GATEWAY_TOKEN_URLS: service.url,
    ...env,
  })
  return gateway
}

async function healthOver(bus: Bus): Promise<unknown> {
  for (let i = 0; ; i++) {
    try {
      return await bus.ask(healthCheck.gateway, {})
    } catch (err) {
      if (i > 100) throw err
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

describe('the process', () => {
  it('starts and forwards while NATS is away, and takes part in it as soon as it is there', async () => {
    nats.kill('SIGKILL')
    await nats.exited
    const running = await start()
    expect((await ask(`${running.url}/v2/`)).body).toBe('everything')
    await nats.restart('SIGKILL')
    const bus = await connectBus({ user: 'test', nats: natsSettings(nats.url), log: silentLogger })
    try {
      expect(await healthOver(bus)).toEqual({ components: [{ name: 'gateway', status: 'healthy' }] })
      const lines = bus.connection.subscribe(logSubject('gateway', 'info'))
      await bus.connection.flush()
      await ask(`${running.url}/v2/`, { headers: { 'x-request-id': 'told-1' } })
      for await (const message of lines) {
        const line = message.json<{ requestId?: string; message: string }>()
        if (line.requestId !== 'told-1') continue
        expect(line.message).toBe('request')
        break
      }
    } finally {
      await bus.close()
    }
  })

  it('goes on forwarding when NATS goes', async () => {
    const running = await start()
    await nats.restart('SIGKILL')
    nats.kill('SIGKILL')
    await nats.exited
    for (let i = 0; i < 20; i++) expect((await ask(`${running.url}/v2/`)).status).toBe(200)
    await nats.restart('SIGKILL')
  })

  it('stops when it is told to, once the transfer that runs is whole', async () => {
    const running = await start()
    const answers: ServerResponse[] = []
    service.answer((_req, res) => {
      res.writeHead(200, { 'content-length': '8' }).write('half')
      answers.push(res)
    })
    const [response] = (await once(get(`${running.url}/v2/x`), 'response')) as [IncomingMessage]
    const chunks: Buffer[] = []
    response.on('data', (chunk: Buffer) => chunks.push(chunk))
    const ended = once(response, 'end')
    const stopped = running.stop()
    await new Promise((resolve) => setTimeout(resolve, 600))
    answers[0]?.end('done')
    await ended
    expect(Buffer.concat(chunks).toString()).toBe('halfdone')
    expect(await stopped).toBe(0)
    expect(running.output()).not.toContain('"level":"error"')
  })

  it('says in one line which setting is wrong, and leaves with 2', async () => {
    await expect(start({ BERTH_TRUSTED_PROXIES: 'all' })).rejects.toThrow('berth: BERTH_TRUSTED_PROXIES')
  })
})

describe('memory', () => {
  it('stays flat while large layers go down and up, four at once', async () => {
    const running = await start()
    const chunk = Buffer.alloc(MIB, 7)
    const received: number[] = []
    service.answer((req, res) => {
      if (req.method === 'GET') return pour(res)
      let bytes = 0
      req.on('data', (piece: Buffer) => {
        bytes += piece.length
      })
      req.on('end', () => {
        received.push(bytes)
        res.writeHead(201).end()
      })
    })
    const pour = (to: NodeJS.WritableStream) => {
      let left = TRANSFER_MIB
      const more = () => {
        while (left > 0) {
          left--
          if (!to.write(chunk)) return void to.once('drain', more)
        }
        to.end()
      }
      more()
    }
    const down = async (): Promise<number> => {
      const [response] = (await once(get(`${running.url}/v2/a/b/blobs/x`), 'response')) as [IncomingMessage]
      let bytes = 0
      for await (const piece of response) bytes += (piece as Buffer).length
      return bytes
    }
    const up = async (): Promise<number> => {
      const going = request(`${running.url}/v2/a/b/blobs/uploads/1`, { method: 'PATCH' })
      const answered = once(going, 'response') as Promise<[IncomingMessage]>
      pour(going)
      const [response] = await answered
      response.resume()
      return response.statusCode ?? 0
    }
    const peaks: number[] = []
    const transfers = Promise.all([down(), down(), up(), up()])
    let isOver = false
    transfers.finally(() => {
      isOver = true
    })
    while (!isOver) {
      peaks.push(await running.pssMib())
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    const all = await transfers
    const whole = TRANSFER_MIB * MIB
    expect(all).toEqual([whole, whole, 201, 201])
    expect(received).toEqual([whole, whole])
    expect(peaks.length).toBeGreaterThan(3)
    expect(Math.max(...peaks)).toBeLessThan(PSS_LIMIT_MIB)
  }, 120_000)

  it('stays flat when the client is slow to take what a service is quick to send', async () => {
    const running = await start()
    const chunk = Buffer.alloc(MIB, 7)
    let sent = 0
    service.answer((_req, res) => {
      const more = () => {
        do sent++
        while (res.write(chunk))
        res.once('drain', more)
      }
      more()
    })
    const going = get(`${running.url}/v2/a/b/blobs/x`)
    going.on('error', () => undefined)
    const [response] = (await once(going, 'response')) as [IncomingMessage]
    response.on('error', () => undefined)
    await once(response, 'readable')
    let before = -1
    await until(() => {
      const now = sent
      const still = now === before
      before = now
      expect(still).toBe(true)
    })
    expect(await running.pssMib()).toBeLessThan(PSS_LIMIT_MIB)
    expect(sent).toBeLessThan(64)
    going.destroy()
    await until(() => expect(service.running()).toBe(0))
  })
})
