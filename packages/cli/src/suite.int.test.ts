import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Suite } from '@berth/embedded'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type CapturedWorld, capturedWorld } from './captured-world.ts'

interface Asked {
  method?: string
  path?: string
  authorization?: string
  body: string
}

/** The door of a suite as far as these commands knock on it. */
function door() {
  const asked: Asked[] = []
  const answers = new Map<string, { status: number; body: unknown }>()
  const server: Server = createServer(async (req: IncomingMessage, res) => {
    const { method, url = '', headers } = req
    asked.push({ method, path: url, authorization: headers.authorization, body: await text(req) })
    const missing = { status: 404, body: { errors: [{ code: 'NOT_FOUND', message: 'not found' }] } }
    const { status, body } = answers.get(`${method} ${url.split('?')[0]}`) ?? missing
    res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
  return { asked, answers, server }
}

describe('commands against a suite', () => {
  const { asked, answers, server } = door()
  let world: CapturedWorld
  let url: string

  beforeAll(async () => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  beforeEach(async () => {
    asked.length = 0
    answers.clear()
    world = await capturedWorld()
    const suite: Suite = {
      version: '0.1.0',
      url,
      pid: process.pid,
      processes: [
        { service: 'core', replica: 1, pid: process.ppid, http: 'http://127.0.0.1:1', admin: 'http://127.0.0.1:2' },
      ],
      nats: { url: 'nats://127.0.0.1:3', credentials: null },
      database: { url: 'postgres://127.0.0.1:4/berth', user: 'berth' },
      parts: [],
    }
    await mkdir(join(world.home, 'data'))
    await writeFile(join(world.home, 'data', 'suite.json'), JSON.stringify(suite))
    await writeFile(join(world.home, 'data', 'admin-password'), 'Made-at-first-1\n')
  })
  afterEach(() => world.remove())

  const health = (status: string, error?: string) => ({
    status,
    components: [
      { name: 'core', status: 'healthy' },
      { name: 'nats', status, error },
    ],
  })

  it('tell how it is doing, without a password', async () => {
    answers.set('GET /api/v2.0/health', { status: 200, body: health('healthy') })
    const { code, stdout } = await world.run(['status'])
    expect(code).toBe(0)
    expect(stdout).toContain(`${url} is healthy`)
    expect(stdout).toMatch(/^core 1 +\d+ +[\d.]+ MiB +http:\/\/127\.0\.0\.1:1 +http:\/\/127\.0\.0\.1:2$/m)
    expect(asked[0]?.authorization).toBeUndefined()
  })

  it('leave with 1 when a part is not well, having told which', async () => {
    answers.set('GET /api/v2.0/health', { status: 200, body: health('unhealthy', 'connection refused') })
    const { code, stdout, stderr } = await world.run(['status', '-o', 'json'])
    expect(code).toBe(1)
    expect(stderr).toBe('berth: not well: nats\n')
    expect(JSON.parse(stdout)).toMatchObject({
      status: 'unhealthy',
      components: [{}, { name: 'nats', error: 'connection refused' }],
      processes: [
        { service: 'supervisor', running: true },
        { service: 'core', running: true },
      ],
    })
  })

  it('use the password of this machine, and before it the one of the environment', async () => {
    answers.set('POST /api/berth/v1/token/rotate-key', { status: 200, body: { kid: 'new-key' } })
    expect((await world.run(['token', 'rotate-key'])).stdout).toBe('new key new-key\n')
    world.env.BERTH_USERNAME = 'ann'
    world.env.BERTH_PASSWORD = 'Of-the-shell-1'
    expect(JSON.parse((await world.run(['token', 'rotate-key', '-o', 'json'])).stdout)).toEqual({ kid: 'new-key' })
    const sent = asked.map(({ authorization = '' }) =>
      Buffer.from(authorization.slice('Basic '.length), 'base64').toString(),
    )
    expect(sent).toEqual(['admin:Made-at-first-1', 'ann:Of-the-shell-1'])
  })

  it('say what the suite says when it refuses, and never the password', async () => {
    const body = { errors: [{ code: 'UNAUTHORIZED', message: 'unauthorized' }] }
    answers.set('GET /api/berth/v1/logs', { status: 401, body })
    const { code, stderr } = await world.run(['logs'])
    expect(code).toBe(1)
    expect(stderr).toContain('unauthorized')
    expect(stderr).not.toContain('Made-at-first-1')
  })

  it('leave with 3 for what the suite does not have', async () => {
    expect((await world.run(['token', 'rotate-key'])).code).toBe(3)
  })

  it('do not take another web server for a suite', async () => {
    answers.set('GET /api/v2.0/health', { status: 200, body: { hello: 'world' } })
    const { code, stderr } = await world.run(['status'])
    expect(code).toBe(1)
    expect(stderr).toContain('does not answer as a suite')
  })

  it('print log lines oldest first, as many as asked for, page by page', async () => {
    const line = (seq: number) => ({
      timestamp: `2026-03-01T12:00:0${seq}.000Z`,
      level: 'info',
      service: 'core',
      message: `line ${seq}`,
      instance: 'i',
      seq,
    })
    const body = { lines: [line(3), line(2)], next: 'more', dropped: { gateway: 4 } }
    answers.set('GET /api/berth/v1/logs', { status: 200, body })
    const args = [
      'logs',
      '--limit',
      '3',
      '--service',
      'core',
      '--level',
      'warn',
      '--text',
      'a b',
      '--request-id',
      'r-1',
    ]
    const { code, stdout, stderr } = await world.run([...args, '--since', '2026-03-01', '-o', 'json'])
    expect(code).toBe(0)
    const printed = stdout
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text).message)
    expect(printed).toEqual(['line 2', 'line 3', 'line 3'])
    expect(stderr).toBe('berth: 4 lines of gateway never reached the collector\n')
    const queries = asked.map(({ path = '' }) => Object.fromEntries(new URL(path, url).searchParams))
    const query = {
      service: 'core',
      level: 'warn',
      text: 'a b',
      request_id: 'r-1',
      from: '2026-03-01T00:00:00.000Z',
      limit: '3',
    }
    expect(queries).toEqual([query, { ...query, cursor: 'more' }])
  })

  it('end following when told to, with exit code 0', async () => {
    answers.set('GET /api/berth/v1/logs', { status: 200, body: { lines: [], dropped: {} } })
    const following = world.run(['logs', '--follow'])
    await expect.poll(() => asked.length).toBeGreaterThan(1)
    world.stop.abort()
    expect((await following).code).toBe(0)
  })
})
