import { type RunningSuite, startSuite } from '@berth/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const PASSWORD = 'Berth-12345'
const EMPTY_CONFIG = '{}'
const EMPTY_DIGEST = 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a'
const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json'
const MANIFEST = JSON.stringify({
  schemaVersion: 2,
  mediaType: MANIFEST_TYPE,
  artifactType: 'application/vnd.example.note',
  config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: EMPTY_DIGEST, size: 2 },
  layers: [{ mediaType: 'application/vnd.oci.empty.v1+json', digest: EMPTY_DIGEST, size: 2 }],
})

let suite: RunningSuite
let replicas: string[]

beforeAll(async () => {
  suite = await startSuite({ env: { BERTH_SCALE: 'registry=2,gateway=2' } })
  replicas = (await suite.file()).processes.filter(({ service }) => service === 'registry').map(({ http }) => http)
  for (const username of ['guest', 'stranger']) {
    const body = { username, email: `${username}@example.com`, realname: username, password: PASSWORD }
    expect((await suite.api('/api/v2.0/users', { method: 'POST', body: JSON.stringify(body) })).status).toBe(201)
  }
})
afterAll(async () => {
  await suite?.stop()
})

const admin = () => `admin:${suite.adminPassword}`
const put = (path: string, body: unknown) => suite.api(path, { method: 'PUT', body: JSON.stringify(body) })
const post = (path: string, body: unknown) => suite.api(path, { method: 'POST', body: JSON.stringify(body) })

async function makeProject(name: string, isPublic: boolean, more: object = {}): Promise<void> {
  const metadata = { public: String(isPublic) }
  const answer = await post('/api/v2.0/projects', { project_name: name, metadata, ...more })
  expect(answer.status).toBe(201)
}

async function tokenFor(as: string | null, repository: string, actions: string): Promise<string> {
  const scope = `repository:${repository}:${actions}`
  const answer = await suite.api(`/service/token?service=harbor-registry&scope=${encodeURIComponent(scope)}`, { as })
  expect(answer.status).toBe(200)
  return ((await answer.json()) as { token: string }).token
}

const call = (base: string, path: string, token: string, init: RequestInit = {}) =>
  fetch(`${base}/v2/${path}`, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } })

async function push(base: string, repository: string, token: string): Promise<number> {
  const blob = await call(base, `${repository}/blobs/uploads/?digest=${EMPTY_DIGEST}`, token, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: EMPTY_CONFIG,
  })
  if (blob.status !== 201) return blob.status
  const headers = { 'content-type': MANIFEST_TYPE }
  return (await call(base, `${repository}/manifests/latest`, token, { method: 'PUT', headers, body: MANIFEST })).status
}

/** What a pull of the tag is answered with on each replica, in order. */
const pulls = (repository: string, token: string) =>
  Promise.all(replicas.map(async (base) => (await call(base, `${repository}/manifests/latest`, token)).status))

describe('policy on two registries', () => {
  it('lets a project be pushed to in the request after the one that made it, on either', async () => {
    for (const [index, base] of replicas.entries()) {
      await makeProject(`new-${index}`, false)
      const token = await tokenFor(admin(), `new-${index}/app`, 'pull,push')
      expect(await push(base, `new-${index}/app`, token)).toBe(201)
      expect(await pulls(`new-${index}/app`, token)).toEqual([200, 200])
    }
  })

  it('takes a pull away with the membership, for the next request on both', async () => {
    await makeProject('team', false)
    const member = await post('/api/v2.0/projects/team/members', { role_id: 3, member_user: { username: 'guest' } })
    expect(member.status).toBe(201)
    await push(suite.url, 'team/app', await tokenFor(admin(), 'team/app', 'pull,push'))
    const token = await tokenFor(`guest:${PASSWORD}`, 'team/app', 'pull')
    expect(await pulls('team/app', token)).toEqual([200, 200])
    const removed = await suite.api(member.headers.get('location') as string, { method: 'DELETE' })
    expect(removed.status).toBe(200)
    expect(await pulls('team/app', token)).toEqual([401, 401])
    expect(await pulls('team/app', await tokenFor(`guest:${PASSWORD}`, 'team/app', 'pull'))).toEqual([401, 401])
  })

  it('closes a public project to everybody else for the next request on both', async () => {
    await makeProject('open', true)
    await push(suite.url, 'open/app', await tokenFor(admin(), 'open/app', 'pull,push'))
    const anybody = await tokenFor(null, 'open/app', 'pull')
    expect(await pulls('open/app', anybody)).toEqual([200, 200])
    expect((await put('/api/v2.0/projects/open', { metadata: { public: 'false' } })).status).toBe(200)
    expect(await pulls('open/app', anybody)).toEqual([401, 401])
  })

  it('demands signatures and scans of the next pull on both, from the answer on and until the answer that ends it', async () => {
    await makeProject('signed', true)
    const token = await tokenFor(admin(), 'signed/app', 'pull,push')
    expect(await push(suite.url, 'signed/app', token)).toBe(201)
    for (const key of ['enable_content_trust', 'enable_content_trust_cosign', 'prevent_vul']) {
      expect((await put('/api/v2.0/projects/signed', { metadata: { [key]: 'true' } })).status).toBe(200)
      expect(await pulls('signed/app', token)).toEqual([412, 412])
      expect((await put('/api/v2.0/projects/signed', { metadata: { [key]: 'false' } })).status).toBe(200)
      expect(await pulls('signed/app', token)).toEqual([200, 200])
    }
  })

  it('holds a project to its storage limit on either', async () => {
    for (const [limit, status] of [
      [EMPTY_CONFIG.length, 201],
      [EMPTY_CONFIG.length - 1, 403],
    ] as const) {
      const name = `limit-${limit}`
      await makeProject(name, false, { storage_limit: limit })
      const token = await tokenFor(admin(), `${name}/app`, 'pull,push')
      for (const base of replicas) expect(await push(base, `${name}/app`, token)).toBe(status)
    }
  })

  it('says "not yet in force" while NATS is away, serves on, and obeys once it is back', async () => {
    await makeProject('later', true)
    await push(suite.url, 'later/app', await tokenFor(admin(), 'later/app', 'pull,push'))
    const anybody = await tokenFor(null, 'later/app', 'pull')
    const nats = (await suite.file()).parts.find(({ name }) => name === 'nats')?.pid as number
    process.kill(nats, 'SIGSTOP')
    try {
      const change = await put('/api/v2.0/projects/later', { metadata: { public: 'false' } })
      expect(change.status).toBe(503)
      expect(JSON.stringify(await change.json())).toContain('saved, not yet in force')
      expect(await pulls('later/app', anybody)).toEqual([200, 200])
    } finally {
      process.kill(nats, 'SIGCONT')
    }
    await expect.poll(() => pulls('later/app', anybody), { timeout: 30_000, interval: 250 }).toEqual([401, 401])
  })
})
