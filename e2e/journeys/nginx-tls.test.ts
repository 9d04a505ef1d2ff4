import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Api } from '../src/api.ts'
import { openSkopeo } from '../src/clients/skopeo.ts'
import { ask, basic } from '../src/http.ts'
import { sha256 } from '../src/images/blob.ts'
import { makeImage } from '../src/images/image.ts'
import { writeOciLayout } from '../src/images/on-disk.ts'
import { startNginx } from '../src/peers/nginx.ts'
import type { Peer } from '../src/peers/peer.ts'
import { openScratch, removeScratch } from '../src/scratch.ts'
import { type Suite, startSuite } from '../src/suite.ts'
import { openTools, type Tools } from '../tools/install.ts'

describe('behind an nginx that ends TLS', () => {
  let home: string
  let tools: Tools
  let suite: Suite
  let nginx: Peer

  beforeAll(async () => {
    home = await openScratch()
    tools = await openTools()
    suite = await startSuite({ env: { BERTH_TRUSTED_PROXIES: '127.0.0.1/32' } })
    nginx = await startNginx(tools, home, { upstream: suite.url, tls: true })
    await Api.admin(suite).createProject('tls')
  })

  afterAll(async () => {
    await nginx?.stop()
    await suite?.stop()
    await removeScratch(home)
  })

  it('the realm says https and the host that was asked', async () => {
    const answer = await ask(`${nginx.url}/v2/`, { anyCertificate: true })
    expect(answer.status).toBe(401)
    expect(answer.headers['www-authenticate']).toContain(`realm="${nginx.url}/service/token"`)
  })

  it('the Location of an upload leads back to https', async () => {
    const answer = await ask(`${nginx.url}/v2/tls/app/blobs/uploads/`, {
      method: 'POST',
      headers: { authorization: basic('admin', suite.adminPassword), 'content-length': '0' },
      anyCertificate: true,
    })
    expect(answer.status).toBe(202)
    const location = new URL(answer.headers.location ?? '', nginx.url)
    expect(location.origin).toBe(nginx.url)
  })

  it('skopeo logs in, pushes and pulls over TLS', async () => {
    const skopeo = await openSkopeo(tools, join(home, 'skopeo'))
    const host = new URL(nginx.url).host
    const login = await skopeo.login(host, 'admin', suite.adminPassword)
    expect(login.output).toContain('Login Succeeded')
    const image = await makeImage({ name: 'tls', layerBytes: [3_000_000] })
    const layout = await writeOciLayout(join(home, 'layout'), image, 'latest')
    const to = `docker://${host}/tls/app:1`
    const copy = await skopeo('copy', '--preserve-digests', '--dest-tls-verify=false', `oci:${layout}:latest`, to)
    expect(copy.code, copy.output).toBe(0)
    const raw = await skopeo('inspect', '--raw', '--tls-verify=false', to)
    expect(sha256(Buffer.from(raw.stdout))).toBe(image.manifest.digest)
  })

  it('forwarded headers of somebody who is not trusted say nothing', async () => {
    const plain = await startSuite()
    try {
      const headers = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'evil.example' }
      const answer = await ask(`${plain.url}/v2/`, { headers })
      expect(answer.headers['www-authenticate']).toContain(`realm="${plain.url}/service/token"`)
    } finally {
      await plain.stop()
    }
  })
})
