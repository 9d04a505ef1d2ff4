import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Api, errorsOf } from '../src/api.ts'
import { ask } from '../src/http.ts'
import { noiseBlob } from '../src/images/blob.ts'
import { makeImage } from '../src/images/image.ts'
import { runOk } from '../src/process.ts'
import { getToken, RegistryClient } from '../src/registry-client.ts'
import { type Suite, startSuite } from '../src/suite.ts'

const MB = 1_000_000
const REPOSITORY = 'full/app'

describe('a storage that is full', () => {
  let suite: Suite
  let client: RegistryClient

  beforeAll(async () => {
    suite = await startSuite()
    const root = join(suite.data, 'registry')
    const inside = await readdir(root)
    await runOk('mount', ['-t', 'tmpfs', '-o', `size=${64 * MB}`, 'tmpfs', root])
    for (const name of inside) await mkdir(join(root, name))
    await Api.admin(suite).createProject('full')
    const wish = { user: 'admin', password: suite.adminPassword, scopes: [`repository:${REPOSITORY}:pull,push`] }
    client = new RegistryClient(suite.url, `Bearer ${await getToken(suite.url, wish)}`)
  })

  afterAll(() => suite?.stop())

  it('refuses what does not fit with an error, keeps what it has, and takes more once there is room', async () => {
    const image = await makeImage({ name: 'kept', layerBytes: [30 * MB] })
    await client.pushImage(REPOSITORY, 'kept', image)

    const much = await noiseBlob(50 * MB, 'too much')
    const session = await client.openUpload(REPOSITORY)
    const target = new URL(session)
    target.searchParams.set('digest', much.digest)
    const headers = client.headers({
      'content-type': 'application/octet-stream',
      'content-length': String(much.sizeBytes),
    })
    const refused = await ask(target, { method: 'PUT', headers, body: much.open() })
    expect(refused.status).toBeGreaterThanOrEqual(500)
    expect(errorsOf(refused)[0]?.code).toMatch(/^[A-Z_]+$/)
    expect(refused.text).not.toContain('ENOSPC')
    expect(await client.hasBlob(REPOSITORY, much.digest)).toBe(false)
    expect((await client.pullImage(REPOSITORY, 'kept')).digest).toBe(image.manifest.digest)

    const cancelled = await ask(session, { method: 'DELETE', headers: client.headers() })
    expect([204, 404]).toContain(cancelled.status)
    const fits = await noiseBlob(20 * MB, 'fits')
    await client.pushBlob(REPOSITORY, fits)
    expect(await client.pullBlob(REPOSITORY, fits.digest)).toBe(20 * MB)
    expect((await client.pullImage(REPOSITORY, 'kept')).digest).toBe(image.manifest.digest)
  })
})
