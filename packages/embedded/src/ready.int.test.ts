import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { untilReady } from './ready.ts'

it('says once what keeps a service from being ready, when that takes long', async () => {
  let asked = 0
  const server = createServer((_req, res) => {
    asked++
    res.writeHead(asked < 6 ? 503 : 200).end('{"failures":{"storage":"away"}}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const said: unknown[][] = []
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const supervised = { part: undefined, crashes: { count: 0 }, stop: async () => undefined, kill: () => undefined }
    await untilReady('registry', url, supervised, {
      signal: new AbortController().signal,
      lastWords: () => '',
      say: (...words) => void said.push(words),
      silentMs: 0,
    })
    expect(asked).toBe(6)
    expect(said).toEqual([['warn', 'not ready yet', { why: '{"failures":{"storage":"away"}}' }]])
  } finally {
    server.close()
  }
})
