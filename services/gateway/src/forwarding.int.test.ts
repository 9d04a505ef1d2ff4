import { Agent } from 'node:http'
import { describe, expect, it } from 'vitest'
import { ask, codesOf, openTrial, sendRaw, until } from './trial/index.ts'

describe('a request', () => {
  it('goes to the service its path belongs to', async () => {
    const trial = await openTrial()
    const bodies: Record<string, string> = {}
    for (const path of ['/', '/api/v2.0/ping', '/api/berth/v1/logs', '/c/log_out', '/devcenter-api-2.0']) {
      bodies[path] = (await ask(`${trial.url}${path}`)).body
    }
    expect(new Set(Object.values(bodies))).toEqual(new Set(['core-0']))
    expect((await ask(`${trial.url}/v2/`)).body).toBe('registry-0')
    expect((await ask(`${trial.url}/v2`)).body).toBe('registry-0')
    expect((await ask(`${trial.url}/service/token?service=harbor-registry`)).body).toBe('token-0')
    for (const path of ['/service', '/service/notifications/tasks/1', '/service/other']) {
      const answer = await ask(`${trial.url}${path}`, { method: 'POST' })
      expect([answer.status, codesOf(answer)]).toEqual([404, ['NOT_FOUND']])
    }
  })

  it('keeps a good id, gets one otherwise, and every answer says it', async () => {
    const trial = await openTrial()
    const kept = await ask(`${trial.url}/v2/`, { headers: { 'x-request-id': 'mine-1' } })
    expect(kept.headers['x-request-id']).toBe('mine-1')
    const made = await ask(`${trial.url}/v2/`, { headers: { 'x-request-id': 'not good' } })
    expect(made.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/)
    const [first, second] = trial.registry[0]?.seen ?? []
    expect(first?.headers['x-request-id']).toBe('mine-1')
    expect(second?.headers['x-request-id']).toBe(made.headers['x-request-id'])
    expect(first?.headers.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/)
    const refused = await ask(`${trial.url}/service/x`, { headers: { 'x-request-id': 'mine-2' } })
    expect(refused.headers['x-request-id']).toBe('mine-2')
  })

  it('carries on the trace it came with', async () => {
    const trial = await openTrial()
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
    await ask(`${trial.url}/v2/`, { headers: { traceparent } })
    expect(trial.registry[0]?.seen[0]?.headers.traceparent).toBe(traceparent)
  })

  it('is one line in the log, without its query, and counted', async () => {
    const trial = await openTrial()
    await ask(`${trial.url}/v2/a/b/blobs/uploads/1?digest=sha256:secret`, { method: 'PUT', body: 'hello' })
    await until(() => expect(trial.lines.filter(({ message }) => message === 'request')).toHaveLength(1))
    expect(trial.lines.find(({ message }) => message === 'request')?.fields).toMatchObject({
      method: 'PUT',
      path: '/v2/a/b/blobs/uploads/1',
      status: 200,
      bytesIn: 5,
      bytesOut: 'registry-0'.length,
      address: '127.0.0.1',
      upstream: `127.0.0.1:${trial.registry[0]?.port}`,
    })
    expect(JSON.stringify(trial.lines)).not.toContain('secret')
    const metrics = await trial.metrics()
    expect(metrics).toContain('requests_total{method="PUT",code="200",operation="registry",service="gateway"} 1')
    expect(metrics).toContain('body_bytes_total{route="registry",direction="in",service="gateway"} 5')
  })

  it('says who the client is, and nothing the client says of itself', async () => {
    const trial = await openTrial()
    await ask(`${trial.url}/api/version`, {
      headers: {
        'x-forwarded-for': '6.6.6.6',
        'x-forwarded-proto': 'https',
        'x-forwarded-host': 'evil.example',
        forwarded: 'for=6.6.6.6;proto=https',
        'x-real-ip': '6.6.6.6',
        'x-berth-user': 'admin',
      },
    })
    const headers = trial.core[0]?.seen[0]?.headers
    const host = new URL(trial.url).host
    expect(headers).toMatchObject({
      host,
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': host,
      'x-forwarded-port': String(trial.gateway.port),
      forwarded: `for=127.0.0.1;host="${host}";proto=http`,
    })
    expect([headers?.['x-real-ip'], headers?.['x-berth-user']]).toEqual([undefined, undefined])
  })

  it('says what a trusted proxy knows of the client', async () => {
    const trial = await openTrial({ env: { BERTH_TRUSTED_PROXIES: '127.0.0.0/8' } })
    await ask(`${trial.url}/api/version`, {
      headers: { 'x-forwarded-for': '6.6.6.6, 203.0.113.9', 'x-forwarded-proto': 'https', host: 'hub.example' },
    })
    expect(trial.core[0]?.seen[0]?.headers).toMatchObject({
      'x-forwarded-for': '203.0.113.9',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'hub.example',
      'x-forwarded-port': '443',
    })
  })

  it('follows the external URL where one is set', async () => {
    const trial = await openTrial({ env: { BERTH_EXTERNAL_URL: 'https://hub.example:8443' } })
    await ask(`${trial.url}/v2/`)
    expect(trial.registry[0]?.seen[0]?.headers).toMatchObject({
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'hub.example:8443',
      'x-forwarded-port': '8443',
    })
  })
})

describe('an answer', () => {
  it('comes with every header of the service but those of its connection', async () => {
    const trial = await openTrial()
    trial.core[0]?.answer((_req, res) => {
      res.setHeader('Set-Cookie', ['sid=1; Path=/', '_gorilla_csrf=2'])
      res.setHeader('Connection', 'close, X-Hop')
      res.setHeader('X-Hop', '1')
      res.setHeader('X-Berth-Credentials', 'good')
      res.setHeader('X-Request-Id', 'theirs')
      res.writeHead(201, 'Made', { Location: '/api/v2.0/projects/7' }).end()
    })
    const { status, headers } = await ask(`${trial.url}/api/v2.0/projects`, { method: 'POST', body: '{}' })
    expect([status, headers.location, headers['set-cookie']]).toEqual([
      201,
      '/api/v2.0/projects/7',
      ['sid=1; Path=/', '_gorilla_csrf=2'],
    ])
    expect([headers['x-hop'], headers['x-berth-credentials']]).toEqual([undefined, undefined])
    expect(headers['x-request-id']).not.toBe('theirs')
  })

  it('without a body is passed on as such', async () => {
    const trial = await openTrial()
    trial.registry[0]?.answer((req, res) => {
      const status = Number(req.url?.slice(4))
      res.writeHead(status, status === 200 ? { 'content-length': '1234' } : { etag: '"x"' }).end()
    })
    const head = await ask(`${trial.url}/v2/200`, { method: 'HEAD' })
    expect([head.status, head.headers['content-length'], head.body]).toEqual([200, '1234', ''])
    for (const status of [204, 304]) {
      const answer = await ask(`${trial.url}/v2/${status}`)
      expect([answer.status, answer.headers.etag, answer.body]).toEqual([status, '"x"', ''])
    }
  })

  it('is understood by an old client that knows no chunks', async () => {
    const trial = await openTrial()
    trial.registry[0]?.answer((_req, res) => {
      res.write('one ')
      res.end('two')
    })
    const text = await sendRaw(trial.gateway.port, 'GET /v2/ HTTP/1.0\r\nHost: a\r\n\r\n')
    expect(text.toLowerCase()).not.toContain('transfer-encoding')
    expect(text.endsWith('\r\n\r\none two')).toBe(true)
  })
})

describe('connections to services', () => {
  it('are shared by reads and opened for everything else', async () => {
    const trial = await openTrial()
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    for (const method of ['GET', 'HEAD', 'GET', 'PUT', 'DELETE', 'GET']) {
      await ask(`${trial.url}/v2/x`, { method, agent, body: method === 'PUT' ? 'x' : undefined })
    }
    agent.destroy()
    const [first, second, third, put, remove, last] = (trial.registry[0]?.seen ?? []).map((seen) => seen.connection)
    expect([second, third, last]).toEqual([first, first, first])
    expect(new Set([first, put, remove]).size).toBe(3)
  })
})
