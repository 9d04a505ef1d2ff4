import { askMalformed, sha256, someImage } from '@berth/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Api } from '../../src/api.ts'
import { ask } from '../../src/http.ts'
import { getToken } from '../../src/registry-client.ts'
import { type Suite, startSuite } from '../../src/suite.ts'

const ROUNDS = Number(process.env.BERTH_E2E_FUZZ_ROUNDS ?? 40_000)
const SEED = Number(process.env.BERTH_E2E_FUZZ_SEED ?? Date.now() % 1_000_000)
const REPOSITORY = 'fuzzed/app'

describe('what nobody has thought of, asked through the gateway', () => {
  let suite: Suite
  let authorization: string

  beforeAll(async () => {
    suite = await startSuite()
    await Api.admin(suite).createProject('fuzzed')
    const wish = { user: 'admin', password: suite.adminPassword, scopes: [`repository:${REPOSITORY}:pull,push,delete`] }
    authorization = `Bearer ${await getToken(suite.url, wish)}`
  })
  afterAll(() => suite?.stop())

  const send = (path: string, method: string, body?: Buffer, headers: Record<string, string> = {}) =>
    ask(new URL(`/v2/${REPOSITORY}/${path}`, suite.url), { method, body, headers: { authorization, ...headers } })

  it('is answered in the words of the API, never with a failure of ours', async () => {
    const image = someImage([10, 0])
    const blobs = [image.config, ...image.layers]
    for (const blob of blobs) {
      expect((await send(`blobs/uploads/?digest=${sha256(blob)}`, 'POST', blob)).status).toBe(201)
    }
    const type = { 'content-type': 'application/vnd.oci.image.manifest.v1+json' }
    expect((await send('manifests/fuzzed', 'PUT', image.manifest, type)).status).toBe(201)
    const contents = [image.manifest, ...blobs]
    const { wrong, statuses } = await askMalformed({
      url: suite.url,
      seed: SEED,
      rounds: ROUNDS,
      known: { repository: REPOSITORY, tag: 'fuzzed', contents, digests: contents.map((one) => sha256(one)) },
      openSession: async () =>
        new URL((await send('blobs/uploads/', 'POST')).headers.location ?? '', suite.url).pathname,
      authorization,
    })
    expect(wrong.slice(0, 20), `seed ${SEED}`).toEqual([])
    expect(statuses.has(200) && statuses.has(404)).toBe(true)
  })
})
