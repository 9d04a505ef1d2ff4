import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Api, ROLE } from '../src/api.ts'
import { type Events, openEvents } from '../src/events.ts'
import { basic } from '../src/http.ts'
import { makeImage } from '../src/images/image.ts'
import { askToken, RegistryClient } from '../src/registry-client.ts'
import { type Suite, startSuite } from '../src/suite.ts'

describe('a request is found in every part it touched', () => {
  let suite: Suite
  let admin: Api
  let events: Events
  let client: RegistryClient
  const repository = 'traced/app'
  const wish = { user: 'dora', password: '', scopes: [`repository:${repository}:pull,push`] }

  beforeAll(async () => {
    suite = await startSuite()
    admin = Api.admin(suite)
    const developer = await admin.createUser(wish.user)
    wish.password = developer.password
    await admin.createProject('traced')
    await admin.addMember('traced', developer, ROLE.developer)
    events = await openEvents(suite)
    client = new RegistryClient(suite.url, basic(developer.name, developer.password))
  })

  afterAll(async () => {
    await events?.stop()
    await suite?.stop()
  })

  it('a request id of the client that is valid is kept, one that is not is replaced', async () => {
    const id = randomUUID()
    const kept = await askToken(suite.url, { ...wish, headers: { 'x-request-id': id } })
    expect(kept.headers['x-request-id']).toBe(id)
    const odd = await askToken(suite.url, { ...wish, headers: { 'x-request-id': 'a b\u0080 <script>' } })
    expect(odd.headers['x-request-id']).toMatch(/^[\w-]+$/)
  })

  it('that of a token request in the lines of gateway, token and core', async () => {
    const answer = await askToken(suite.url, wish)
    expect(answer.status).toBe(200)
    const id = answer.headers['x-request-id'] as string
    const lines = await admin.linesOf(id, ['gateway', 'token', 'core'])
    expect(lines.every((line) => line.requestId === id)).toBe(true)
    expect(JSON.stringify(lines)).not.toContain(wish.password)
  })

  it('that of a manifest PUT in gateway and registry, and on the event it caused', async () => {
    const image = await makeImage({ name: 'traced' })
    await client.pushImage(repository, 'first', image)
    const answer = await client.putManifest(repository, 'traced', image)
    expect(answer.status).toBe(201)
    const id = answer.headers['x-request-id'] as string
    const lines = await admin.linesOf(id, ['gateway', 'registry'])
    expect(lines.every((line) => line.requestId === id)).toBe(true)
    const event = await events.find((one) => one.requestId === id)
    expect(event).toMatchObject({
      type: 'event.artifact.pushed',
      actor: wish.user,
      data: { repository, digest: image.manifest.digest, tags: ['traced'] },
    })
  })

  it('the lines are for administrators alone', async () => {
    const path = '/api/berth/v1/logs?request_id=x'
    expect((await new Api(suite.url).get(path)).status).toBe(401)
    expect((await new Api(suite.url, { name: wish.user, password: wish.password }).get(path)).status).toBe(403)
  })
})
