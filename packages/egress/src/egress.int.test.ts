import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTcpServer, type Server as TcpServer } from 'node:net'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls'
import { gzipSync } from 'node:zlib'
import { silentLogger } from '@berth/runtime'
import { generate } from 'selfsigned'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEgress, type Egress } from './egress.ts'
import { EgressFailed, EgressRefused } from './refusals.ts'
import { egressSettings } from './settings.ts'

const NAMES: Record<string, string[]> = {
  'open.test': ['127.0.0.1'],
  'shut.test': ['127.0.0.2'],
  'both.test': ['127.0.0.2', '127.0.0.1'],
  'metadata.test': ['169.254.169.254'],
}
const ALLOW = { BERTH_EGRESS_ALLOW: '127.0.0.1' }
const closing: (() => void)[] = []
const asked: { path: string; headers: IncomingMessage['headers'] }[] = []
let web: number
let proxy: number
let tcp: number
let tls: number
let certificate: { private: string; cert: string }

function egressWith(env: Record<string, string> = ALLOW): Egress {
  const resolve = (host: string, _options: unknown, callback: (err: Error | null, found: unknown) => void) => {
    const found = NAMES[host]
    if (found)
      callback(
        null,
        found.map((address) => ({ address, family: 4 })),
      )
    else callback(Object.assign(new Error('nobody'), { code: 'ENOTFOUND' }), [])
  }
  return createEgress({ settings: egressSettings(env), log: silentLogger, resolve: resolve as never })
}

async function portOf(server: Server | TcpServer | TlsServer): Promise<number> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  closing.push(() => server.close())
  return (server.address() as { port: number }).port
}

function answer(req: IncomingMessage, res: ServerResponse): void {
  asked.push({ path: req.url ?? '', headers: req.headers })
  const [, where = '', rest = ''] = /^\/(\w+)(.*)$/.exec(new URL(req.url ?? '/', 'http://x').pathname) ?? []
  if (where === 'to') res.writeHead(302, { location: decodeURIComponent(rest.slice(1)) }).end('elsewhere')
  else if (where === 'round') res.writeHead(302, { location: '/round' }).end()
  else if (where === 'bomb') res.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(4_000_000)))
  else if (where === 'silent') return
  else if (where === 'stalled') res.writeHead(200).write('half of')
  else if (where === 'broken') res.writeHead(200, { 'content-length': '10' }).write('half', () => res.destroy())
  else res.end(`heard ${req.url}`)
}

beforeAll(async () => {
  certificate = await generate([{ name: 'commonName', value: 'open.test' }], {
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'open.test' }] }],
  })
  const server = createServer(answer)
  web = await portOf(server)
  closing.push(() => server.closeAllConnections())
  const relay = createServer((req, res) => {
    asked.push({ path: `by proxy ${req.url}`, headers: req.headers })
    res.end('by proxy')
  })
  proxy = await portOf(relay)
  closing.push(() => relay.closeAllConnections())
  tcp = await portOf(createTcpServer((socket) => socket.on('error', () => undefined).end('hello')))
  tls = await portOf(
    createTlsServer({ key: certificate.private, cert: certificate.cert }, (socket) => socket.end('hello')),
  )
})
afterAll(() => {
  for (const close of closing.reverse()) close()
})

async function fetched(egress: Egress, url: string, init: RequestInit = {}, options = {}): Promise<string> {
  const guarded = egress.openFetch(options)
  try {
    return await (await guarded.fetch(url, init)).text()
  } finally {
    await guarded.close()
  }
}

describe('a connection', () => {
  it('is dialled to a judged address, literal or resolved', async () => {
    const egress = egressWith()
    for (const host of ['open.test', '127.0.0.1', 'both.test']) {
      const socket = await egress.connect({ host, port: tcp })
      expect(socket.remoteAddress).toBe('127.0.0.1')
      socket.destroy()
    }
  })

  it('is refused before it is dialled, by literal and by name', async () => {
    const egress = egressWith({})
    for (const host of ['127.0.0.1', '[::ffff:127.0.0.1]', 'open.test', 'metadata.test']) {
      await expect(egress.connect({ host, port: tcp })).rejects.toThrow(EgressRefused)
      await expect(egress.connectTls({ host, port: tls })).rejects.toThrow(EgressRefused)
      await expect(egress.judge(host)).rejects.toThrow(EgressRefused)
    }
    await expect(egressWith().judge('shut.test')).rejects.toThrow(EgressRefused)
  })

  it('is refused to what the system takes for an address and we cannot read', async () => {
    const egress = egressWith({ BERTH_EGRESS_ALLOW: '::1' })
    for (const host of ['::1%a-b', '[::1%a-b]', '::ffff:127.0.0.1%a.b']) {
      await expect(egress.connect({ host, port: tcp })).rejects.toThrow(EgressRefused)
      await expect(egress.judge(host)).rejects.toThrow(EgressRefused)
      expect(() => egress.judgeLiteral(host)).toThrow(EgressRefused)
    }
  })

  it('says of a failure what it is, and no address', async () => {
    const egress = egressWith()
    const refused = egress.connect({ host: 'open.test', port: 1 })
    await expect(refused).rejects.toThrow(new EgressFailed('open.test refuses connections'))
    await expect(egress.connect({ host: 'nobody.test', port: 1 })).rejects.toThrow('nobody.test cannot be resolved')
  })

  it('by TLS is checked against the name and whom it is told to trust', async () => {
    const egress = egressWith()
    const ca = certificate.cert
    const socket = await egress.connectTls({ host: 'open.test', port: tls, ca })
    expect(socket.authorized).toBe(true)
    socket.destroy()
    const untrusted = egress.connectTls({ host: 'open.test', port: tls })
    await expect(untrusted).rejects.toThrow('shows a certificate that is not trusted')
    await expect(egress.connectTls({ host: 'both.test', port: tls, ca })).rejects.toThrow(EgressFailed)
    const any = await egress.connectTls({ host: 'both.test', port: tls, verifyCertificate: false })
    any.destroy()
  })
})

describe('a guarded fetch', () => {
  it('fetches, and follows redirects', async () => {
    const there = encodeURIComponent(`http://127.0.0.1:${web}/there`)
    expect(await fetched(egressWith(), `http://open.test:${web}/to/${there}`)).toBe('heard /there')
  })

  it.each(['127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', 'shut.test', 'metadata.test', '169.254.169.254'])(
    'is refused to %s, and when it is sent there',
    async (host) => {
      await expect(fetched(egressWith({}), `http://${host}:${web}/`)).rejects.toThrow(EgressRefused)
      if (host.includes('127.0.0.1')) return
      const there = encodeURIComponent(`http://${host}:${web}/there`)
      await expect(fetched(egressWith(), `http://open.test:${web}/to/${there}`)).rejects.toThrow(EgressRefused)
    },
  )

  it('is for the web only', async () => {
    for (const url of ['file:///etc/passwd', 'data:text/plain,x', 'ftp://open.test/']) {
      await expect(fetched(egressWith(), url)).rejects.toThrow(EgressRefused)
    }
  })

  it('gives a redirect back to who asked to see it, and does not go round forever', async () => {
    const guarded = egressWith().openFetch()
    const response = await guarded.fetch(`http://open.test:${web}/to/x`, { redirect: 'manual' })
    expect([response.status, response.headers.get('location')]).toEqual([302, 'x'])
    await guarded.close()
    await expect(fetched(egressWith(), `http://open.test:${web}/round`)).rejects.toThrow('redirects too often')
  })

  it('ends an answer that is too long, unpacked, and one that does not come', async () => {
    const bomb = fetched(egressWith(), `http://open.test:${web}/bomb`)
    await expect(bomb).rejects.toThrow('answers with more than 1048576 bytes')
    const silent = fetched(egressWith(), `http://open.test:${web}/silent`, {}, { timeoutMs: 200 })
    await expect(silent).rejects.toThrow('open.test does not answer')
    const stalled = fetched(egressWith(), `http://open.test:${web}/stalled`, {}, { timeoutMs: 200 })
    await expect(stalled).rejects.toThrow(new EgressFailed('open.test does not answer'))
    const broken = fetched(egressWith(), `http://open.test:${web}/broken`)
    await expect(broken).rejects.toThrow(EgressFailed)
  })

  it('goes through the proxy of the environment, whose address is not judged but whose target is', async () => {
    const env = { HTTP_PROXY: `http://127.0.0.1:${proxy}`, BERTH_EGRESS_DENY: 'denied.inside' }
    const egress = egressWith(env)
    expect(await fetched(egress, 'http://known-to-proxy.inside/x')).toBe('by proxy')
    expect(asked.at(-1)?.path).toBe('by proxy http://known-to-proxy.inside/x')
    const before = asked.length
    for (const host of ['open.test', 'metadata.test', 'denied.inside']) {
      await expect(fetched(egress, `http://${host}/`)).rejects.toThrow(EgressRefused)
    }
    expect(asked.length).toBe(before)
  })
})
