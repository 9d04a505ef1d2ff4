import { createServer } from 'node:http'
import { NotFound, Unavailable } from '@berth/errors'
import { afterEach, describe, expect, it } from 'vitest'
import { openAdmin } from './admin.ts'
import { contextOf, currentContext, withContext } from './context.ts'
import { createLifecycle } from './lifecycle.ts'
import { listen } from './listen.ts'
import { type Logger, silentLogger } from './log.ts'
import { createMetrics, httpMetrics } from './metrics.ts'
import { renderError } from './render-error.ts'
import { observed } from './request.ts'

const life = () => createLifecycle(silentLogger, { graceMs: 500 })
const open: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

async function serve(handler: Parameters<typeof observed>[0], log: Logger = silentLogger): Promise<string> {
  const metrics = httpMetrics(createMetrics('sample'), 'sample_http')
  const server = createServer(observed(handler, { log, metrics, operation: () => 'sample' }))
  const door = await listen(server, { host: '127.0.0.1', port: 0 })
  open.push(door.close)
  return `http://127.0.0.1:${door.port}`
}

describe('stopping', () => {
  it('closes the last opened first and goes on past a step that fails or hangs', async () => {
    const order: string[] = []
    const stopping = createLifecycle(silentLogger, { graceMs: 20 })
    stopping.onStop('database', () => order.push('database'))
    stopping.onStop('broken', () => Promise.reject(new Error('no')))
    stopping.onStop('hanging', () => new Promise(() => undefined))
    stopping.onStop('door', () => order.push('door'))
    expect(stopping.running).toBe(true)
    await Promise.all([stopping.stop(), stopping.stop()])
    expect(order).toEqual(['door', 'database'])
    expect(stopping.running).toBe(false)
  })

  it('lets a running request end', async () => {
    let finish: () => void = () => undefined
    const url = await serve((_req, res) => {
      finish = () => res.end('whole')
    })
    const answer = fetch(url)
    while (finish.toString() === '() => void 0') await new Promise((resolve) => setTimeout(resolve, 5))
    await new Promise((resolve) => setTimeout(resolve, 50))
    const closing = open.pop()?.()
    finish()
    expect(await (await answer).text()).toBe('whole')
    await closing
  })
})

describe('the private door', () => {
  it('tells living from ready and says what is missing', async () => {
    const running = life()
    let healthy = false
    const metrics = createMetrics('sample')
    const port = 20_000 + Math.floor(Math.random() * 10_000)
    await openAdmin({
      address: { host: '127.0.0.1', port },
      life: running,
      metrics,
      checks: {
        database: () => {
          if (!healthy) throw new Error('the database cannot be reached')
        },
      },
    })
    open.push(() => running.stop())
    const url = `http://127.0.0.1:${port}`
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
    const before = await fetch(`${url}/readyz`)
    expect(before.status).toBe(503)
    expect(await before.json()).toEqual({ ready: false, failures: { database: 'the database cannot be reached' } })
    healthy = true
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
    expect(await (await fetch(`${url}/metrics`)).text()).toContain('nodejs_eventloop_lag')
  })
})

describe('a request', () => {
  it('keeps a good id, replaces a bad one, and echoes it', async () => {
    const url = await serve((_req, res) => res.end(currentContext()?.requestId))
    const good = await fetch(url, { headers: { 'x-request-id': 'abc-1' } })
    expect([good.headers.get('x-request-id'), await good.text()]).toEqual(['abc-1', 'abc-1'])
    const bad = await fetch(url, { headers: { 'x-request-id': 'a b"c' } })
    expect(bad.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('carries a trace that was begun elsewhere', () => {
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
    withContext(contextOf({ traceparent }), () => expect(currentContext()?.traceparent).toBe(traceparent))
    expect(contextOf({ traceparent: 'nonsense' }).traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/)
  })

  it('has the address the gateway says, or that of whoever connected', async () => {
    const url = await serve((_req, res) => res.end(currentContext()?.address))
    const addressOf = async (headers: Record<string, string>) => (await fetch(url, { headers })).text()
    expect(await addressOf({ 'x-forwarded-for': '203.0.113.9' })).toBe('203.0.113.9')
    for (const forwarded of ['nowhere', '203.0.113.9, 203.0.113.9']) {
      expect(await addressOf({ 'x-forwarded-for': forwarded })).toMatch(/127\.0\.0\.1$|^::1$/)
    }
    expect(contextOf({ address: '<script>' }).address).toBeUndefined()
  })

  it('that the client breaks off is logged with its id', async () => {
    const abort = new AbortController()
    const logged = new Promise<unknown>((resolve) => {
      const info = (_message: string, fields?: object) => resolve({ ...fields, id: currentContext()?.requestId })
      void serve(() => abort.abort(), { ...silentLogger, info }).then((url) => {
        const request = fetch(url, { headers: { 'x-request-id': 'abc-2' }, signal: abort.signal })
        request.catch(() => undefined)
      })
    })
    expect(await logged).toMatchObject({ id: 'abc-2', aborted: true })
  })

  it('that fails is answered in the shape of both APIs', async () => {
    const url = await serve((req, res) => {
      const err = req.url === '/gone' ? new NotFound('no such project') : new Unavailable('core cannot be reached')
      renderError(res, err, silentLogger)
    })
    const gone = await fetch(`${url}/gone`)
    expect(gone.status).toBe(404)
    expect(await gone.json()).toEqual({ errors: [{ code: 'NOT_FOUND', message: 'no such project' }] })
    const away = await fetch(`${url}/away`)
    expect([away.status, away.headers.get('retry-after')]).toEqual([503, '5'])
    const head = await fetch(`${url}/gone`, { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([404, ''])
  })

  it('that fails after its answer began is cut', async () => {
    const url = await serve((_req, res) => {
      res.write('half')
      setTimeout(() => renderError(res, new Error('upstream died'), silentLogger), 20)
    })
    await expect(fetch(url).then((answer) => answer.text())).rejects.toThrow()
  })
})
