import { createServer } from 'node:http'
import type { Registry } from 'prom-client'
import type { Lifecycle } from './lifecycle.ts'
import { type Address, listen } from './listen.ts'

/** Says what is wrong by throwing; resolves when all is well. */
export type ReadinessCheck = () => void | Promise<void>

/**
 * The private door of a service: `/healthz` (the process lives), `/readyz` (it can do its work; 503 with the reason
 * otherwise, and as soon as stopping begins) and `/metrics`.
 */
export async function openAdmin(options: {
  address: Address
  life: Lifecycle
  metrics: Registry
  checks: Record<string, ReadinessCheck>
}): Promise<void> {
  const { address, life, metrics, checks } = options
  const server = createServer(async (req, res) => {
    const path = req.url?.split('?')[0]
    if (path === '/healthz') return void res.end('ok\n')
    if (path === '/readyz') {
      const failures = life.running ? await failing(checks) : { service: 'stopping' }
      res.writeHead(Object.keys(failures).length === 0 ? 200 : 503, { 'content-type': 'application/json' })
      return void res.end(`${JSON.stringify({ ready: Object.keys(failures).length === 0, failures })}\n`)
    }
    if (path === '/metrics') {
      res.setHeader('content-type', metrics.contentType)
      return void res.end(await metrics.metrics())
    }
    res.writeHead(404).end()
  })
  const door = await listen(server, address)
  life.onStop('admin door', door.close)
}

async function failing(checks: Record<string, ReadinessCheck>): Promise<Record<string, string>> {
  const failures: Record<string, string> = {}
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check()
    } catch (err) {
      failures[name] = err instanceof Error ? err.message : String(err)
    }
  }
  return failures
}
