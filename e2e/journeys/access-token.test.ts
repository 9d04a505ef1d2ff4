import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Api, type Person, ROLE } from '../src/api.ts'
import { openDocker } from '../src/clients/docker.ts'
import { type Dockerd, startDockerd } from '../src/clients/dockerd.ts'
import { ask, basic } from '../src/http.ts'
import { makeImage } from '../src/images/image.ts'
import { writeDockerArchive } from '../src/images/on-disk.ts'
import { askToken, getToken, RegistryClient } from '../src/registry-client.ts'
import { openScratch, removeScratch } from '../src/scratch.ts'
import { type Suite, startSuite } from '../src/suite.ts'
import { openTools } from '../tools/install.ts'

const TOKENS = '/api/berth/v1/access-tokens'

describe('an access token of a person', () => {
  let home: string
  let suite: Suite
  let developer: Person
  let dora: Api

  beforeAll(async () => {
    home = await openScratch()
    suite = await startSuite()
    const admin = Api.admin(suite)
    developer = await admin.createUser('dora')
    dora = new Api(suite.url, developer)
    for (const project of ['secret', 'other']) {
      await admin.createProject(project)
      await admin.addMember(project, developer, ROLE.developer)
      const client = new RegistryClient(suite.url, basic(developer.name, developer.password))
      await client.pushImage(`${project}/app`, '1', await makeImage({ name: project, layerBytes: [5_000] }))
    }
  })

  afterAll(async () => {
    await suite?.stop()
    await removeScratch(home)
  })

  async function make(name: string, ...keys: string[]): Promise<{ id: number; token: string }> {
    const access = keys.map((key) => ({ resource: key.split(':')[0], action: key.split(':')[1] }))
    const permissions = [{ kind: 'project', namespace: 'secret', access }]
    const made = await dora.must(201, 'POST', TOKENS, { name, expires_in_days: 1, permissions })
    return made.json<{ id: number; token: string }>()
  }

  it('signs docker in, which pulls from where it reaches and pushes nothing', async () => {
    let dockerd: Dockerd | undefined
    try {
      const tools = await openTools()
      dockerd = await startDockerd(tools)
      const docker = await openDocker(tools, dockerd, join(home, 'docker'))
      const { token } = await make('docker', 'repository:pull')
      const login = await docker.login(suite.host, developer.name, token)
      expect(login.code, login.output).toBe(0)
      const pulled = await docker('pull', `${suite.host}/secret/app:1`)
      expect(pulled.code, pulled.output).toBe(0)
      const elsewhere = await docker('pull', `${suite.host}/other/app:1`)
      expect(elsewhere.code).not.toBe(0)
      const tag = `${suite.host}/secret/mine:1`
      const mine = await makeImage({ name: 'mine', layerBytes: [400] })
      await docker('load', '-i', await writeDockerArchive(join(home, 'mine.tar'), mine, [tag]))
      const pushed = await docker('push', tag)
      expect(pushed.code).not.toBe(0)
      expect(pushed.output).toContain('action: push')
    } finally {
      await dockerd?.stop()
    }
  })

  it('is a password on /v2, at /service/token and in the API, until it is revoked', async () => {
    const { id, token } = await make('ci', 'repository:pull', 'repository:push', 'repository:list', 'project:read')
    const client = new RegistryClient(suite.url, basic(developer.name, token))
    await client.pushImage('secret/by-token', '1', await makeImage({ name: 'by-token', layerBytes: [400] }))
    const scope = 'repository:secret/app:pull'
    const bearer = await getToken(suite.url, { user: developer.name, password: token, scopes: [scope] })
    const manifest = (authorization: string) =>
      ask(new URL('/v2/secret/app/manifests/1', suite.url), { headers: { authorization } })
    expect((await manifest(`Bearer ${bearer}`)).status).toBe(200)
    const api = new Api(suite.url, { name: developer.name, password: token })
    expect((await api.get('/api/v2.0/projects/secret/repositories')).status).toBe(200)
    expect((await api.get('/api/v2.0/projects/other/repositories')).status).toBe(403)
    await dora.must(200, 'DELETE', `${TOKENS}/${id}`)
    expect((await manifest(`Bearer ${bearer}`)).status).toBe(401)
    expect((await manifest(basic(developer.name, token))).status).toBe(401)
    expect((await api.get('/api/v2.0/projects/secret/repositories')).status).toBe(401)
    expect((await askToken(suite.url, { user: developer.name, password: token, scopes: [scope] })).status).toBe(401)
  })
})
