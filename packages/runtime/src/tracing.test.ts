import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { currentContext } from './context.ts'
import { createLifecycle, type Lifecycle } from './lifecycle.ts'
import { listen } from './listen.ts'
import { silentLogger } from './log.ts'
import { createMetrics, httpMetrics } from './metrics.ts'
import { observed } from './request.ts'
import { withSpan } from './span.ts'
import { startTracing } from './tracing.ts'

interface Exported {
  name: string
  traceId: string
  spanId: string
  parentSpanId?: string
  status: { code: number }
}

const exported: Exported[] = []
const life: Lifecycle = createLifecycle(silentLogger, { graceMs: 5_000 })
let url: string

beforeAll(async () => {
  const collector = createServer(async (req, res) => {
    const chunks: Buffer[] = []
    for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk)
    const { resourceSpans } = JSON.parse(Buffer.concat(chunks).toString())
    for (const { scopeSpans } of resourceSpans) for (const { spans } of scopeSpans) exported.push(...spans)
    res.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve))
  life.onStop('collector', () => collector.close())
  const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = endpoint
  await startTracing('sample', process.env, life)
  const metrics = httpMetrics(createMetrics('sample'), 'sample_http')
  const handler = observed(
    (_req, res) =>
      void withSpan('ask svc.core.v1.sample', 'CLIENT', async () => res.end(currentContext()?.traceparent)),
    { log: silentLogger, metrics, operation: () => 'sample' },
  )
  const door = await listen(createServer(handler), { host: '127.0.0.1', port: 0 })
  life.onStop('door', door.close)
  url = `http://127.0.0.1:${door.port}`
})
afterAll(() => life.stop())

describe('with somebody to send traces to', () => {
  it('keeps a span of each request and of what it asks, under the trace the client began or one of its own', async () => {
    const begun = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
    const inner = await (await fetch(url, { headers: { traceparent: begun } })).text()
    expect(inner).toMatch(new RegExp(`^00-${'a'.repeat(32)}-`))
    expect(inner).not.toBe(begun)
    const own = await (await fetch(url)).text()
    await life.stop()
    const spansOf = (traceId: string) => {
      const [server, client] = ['GET sample', 'ask svc.core.v1.sample'].map((name) =>
        exported.find((span) => span.traceId === traceId && span.name === name),
      )
      return { server, client }
    }
    const theirs = spansOf('a'.repeat(32))
    expect(theirs.server?.parentSpanId).toBe('b'.repeat(16))
    expect(theirs.client?.parentSpanId).toBe(theirs.server?.spanId)
    const ours = spansOf(own.slice(3, 35))
    expect(ours.server?.parentSpanId ?? '').toBe('')
    expect(ours.client?.parentSpanId).toBe(ours.server?.spanId)
  })
})
