import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { Agent } from 'node:https'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import { type TempDir, tempDir } from '@berth/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openPair } from './tls/index.ts'
import { ask, openTrial, type Trial, until } from './trial/index.ts'

let dir: TempDir
beforeEach(async () => {
  dir = await tempDir('gateway-tls')
})
afterEach(() => dir.remove())

const at = (name: string) => join(dir.path, name)

/** Makes a pair and puts it where the gateway looks; gives its serial number. */
async function putPair(name: string): Promise<string> {
  const { cert } = await openPair({ kind: 'self-signed', dir: at(name), names: [] })
  const pem = await readFile(cert, 'utf8')
  const middle = pem.indexOf('-----BEGIN CERTIFICATE')
  await writeFile(at('next.key'), pem.slice(0, middle))
  await writeFile(at('next.crt'), pem.slice(middle))
  await rename(at('next.key'), at('tls.key'))
  await rename(at('next.crt'), at('tls.crt'))
  return new X509Certificate(pem).serialNumber
}

const FILES = () => ({ BERTH_TLS: 'files', BERTH_TLS_CERT: at('tls.crt'), BERTH_TLS_KEY: at('tls.key') })

async function serialSeen({ gateway }: Trial): Promise<string | undefined> {
  const socket = await handshake(gateway.tlsPort ?? 0)
  const serial = socket.getPeerX509Certificate()?.serialNumber
  socket.destroy()
  return serial
}

async function handshake(port: number, version?: 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'): Promise<TLSSocket> {
  const bounds = version ? { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' } : {}
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...bounds })
  await once(socket, 'secureConnect')
  return socket
}

describe('the HTTPS door', () => {
  it('passes requests on and tells that they came by https', async () => {
    await putPair('a')
    const trial = await openTrial({ env: FILES() })
    const url = `https://127.0.0.1:${trial.gateway.tlsPort}`
    const answer = await ask(`${url}/v2/a/b/blobs/uploads/1`, { method: 'PUT', body: 'x'.repeat(100_000) })
    expect(answer.body).toBe('registry-0')
    expect(trial.registry[0]?.seen[0]?.headers).toMatchObject({
      'x-forwarded-proto': 'https',
      'x-forwarded-port': String(trial.gateway.tlsPort),
    })
    expect((await ask(`${trial.url}/v2/`)).status).toBe(200)
    expect(trial.registry[0]?.seen[1]?.headers['x-forwarded-proto']).toBe('http')
  })

  it('speaks TLS 1.2 and 1.3, and nothing older', async () => {
    await putPair('a')
    const { gateway } = await openTrial({ env: FILES() })
    const port = gateway.tlsPort ?? 0
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const socket = await handshake(port, version)
      expect(socket.getProtocol()).toBe(version)
      socket.destroy()
    }
    await expect(handshake(port, 'TLSv1.1')).rejects.toThrow()
  })

  it('shows a new certificate to new connections, keeps the old one while the new is broken, and cuts nobody', async () => {
    const first = await putPair('a')
    const trial = await openTrial({ env: FILES() })
    const agent = new Agent({ keepAlive: true })
    const url = `https://127.0.0.1:${trial.gateway.tlsPort}/v2/`
    expect((await ask(url, { agent })).status).toBe(200)
    expect(await serialSeen(trial)).toBe(first)

    await writeFile(at('tls.crt'), '-----BEGIN CERTIFICATE-----\nbroken\n-----END CERTIFICATE-----\n')
    await until(() => expect(trial.lines.filter(({ level }) => level === 'error')).toHaveLength(1))
    expect(await serialSeen(trial)).toBe(first)

    const second = await putPair('b')
    await until(() =>
      expect(trial.lines.map(({ message }) => message)).toContain('the TLS certificate has been read again'),
    )
    expect(await serialSeen(trial)).toBe(second)
    expect((await ask(url, { agent })).status).toBe(200)
    agent.destroy()
    expect(trial.gateway.health()).toEqual({ name: 'gateway', status: 'healthy' })
  })

  it('makes a certificate of its own where that is asked for, and has the same one after a restart', async () => {
    const env = {
      BERTH_TLS: 'self-signed',
      BERTH_GATEWAY_TLS_DIR: at('made'),
      BERTH_EXTERNAL_URL: 'https://hub.example',
    }
    const one = await openTrial({ env })
    const serial = await serialSeen(one)
    const trusted = new X509Certificate(await readFile(at('made/gateway.crt')))
    expect([trusted.serialNumber, trusted.checkHost('hub.example')]).toEqual([serial, 'hub.example'])
    await one.life.stop()
    expect(await serialSeen(await openTrial({ env }))).toBe(serial)
  })
})

describe('the redirect', () => {
  it('sends plain HTTP to the HTTPS door with method and query, and passes nothing on', async () => {
    await putPair('a')
    const trial = await openTrial({ env: { ...FILES(), BERTH_HTTP_REDIRECT: 'true' } })
    const answer = await ask(`${trial.url}/v2/?n=1`, { method: 'PUT', body: 'x'.repeat(1_000_000) })
    expect([answer.status, answer.headers.location]).toEqual([
      308,
      `https://127.0.0.1:${trial.gateway.tlsPort}/v2/?n=1`,
    ])
    expect(answer.headers['x-request-id']).toBeDefined()
    expect(trial.registry[0]?.seen).toEqual([])
    expect((await ask(`https://127.0.0.1:${trial.gateway.tlsPort}/v2/`)).status).toBe(200)
  })

  it('goes to the external URL, and leaves alone who came by https to a proxy in front', async () => {
    const env = {
      BERTH_HTTP_REDIRECT: 'true',
      BERTH_EXTERNAL_URL: 'https://hub.example',
      BERTH_TRUSTED_PROXIES: '127.0.0.1',
    }
    const trial = await openTrial({ env })
    expect((await ask(`${trial.url}/x`)).headers.location).toBe('https://hub.example/x')
    expect((await ask(`${trial.url}/v2/`, { headers: { 'x-forwarded-proto': 'https' } })).status).toBe(200)
  })
})
