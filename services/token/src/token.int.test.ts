import { createVerifier, REGISTRY_AUDIENCE, SUITE_AUDIENCE, TokenInvalid } from '@berth/access'
import { type Bus, connectBus } from '@berth/messaging'
import { natsSettings, silentLogger } from '@berth/runtime'
import { accessIssue, healthCheck, keyList, keyRotate, personIssue } from '@berth/types'
import { decodeJwt, decodeProtectedHeader, type JWK } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openSurroundings, type RunningToken, type Surroundings } from './testing/harness.ts'

let around: Surroundings
let token: RunningToken
let stopCore: () => Promise<void>
let core: Bus

beforeAll(async () => {
  around = await openSurroundings()
  stopCore = await around.startCore()
  token = await around.startToken()
  core = await around.connect('core')
})
afterAll(async () => {
  await core.close()
  await token.stop()
  await stopCore()
  await around.stop()
})

const basic = (name: string, password = 'Right-1') => ({
  authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`,
})

function ask(query: string, headers: Record<string, string> = {}, init: RequestInit = {}): Promise<Response> {
  return fetch(`${token.url}/service/token?${query}`, { headers, ...init })
}

async function bodyOf(answer: Response): Promise<Record<string, unknown>> {
  return (await answer.json()) as Record<string, unknown>
}

describe('GET /service/token', () => {
  it('answers a docker login with a token that grants nothing in particular', async () => {
    const answer = await ask('account=dev&client_id=docker&offline_token=true&service=harbor-registry', basic('dev'))
    expect(answer.status).toBe(200)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const body = await bodyOf(answer)
    expect(Object.keys(body).toSorted()).toEqual(['access_token', 'expires_in', 'issued_at', 'token'])
    expect(body.access_token).toBe(body.token)
    expect(body.expires_in).toBe(1_800)
    expect(decodeJwt(String(body.token))).toMatchObject({ sub: 'dev', aud: 'harbor-registry', access: [] })
  })

  it('signs what is both asked and allowed, with the project and the revision it was judged by', async () => {
    const answer = await ask('service=harbor-registry&scope=repository:library/a:pull,push', basic('dev'))
    const claims = decodeJwt(String((await bodyOf(answer)).token))
    expect(claims).toMatchObject({
      iss: 'harbor-token-issuer',
      who: { kind: 'user', id: 3 },
      access: [{ type: 'repository', name: 'library/a', actions: ['pull', 'push'], project: 1, rev: 4 }],
    })
    expect(claims.exp! - claims.iat!).toBe(1_800)
    expect(claims.nbf).toBe(claims.iat)
    expect(claims.jti).toMatch(/^[\w-]{16}$/)
    expect(claims.admin).toBeUndefined()
  })

  it('takes scopes repeated and divided by spaces', async () => {
    const query =
      'service=harbor-registry&scope=repository:library/a:pull%20repository:library/b:push&scope=registry:catalog:*'
    const { access } = decodeJwt(String((await bodyOf(await ask(query, basic('dev')))).token))
    expect(access).toEqual([
      { type: 'repository', name: 'library/a', actions: ['pull'], project: 1, rev: 4 },
      { type: 'repository', name: 'library/b', actions: ['push'], project: 1, rev: 4 },
      { type: 'registry', name: 'catalog', actions: [] },
    ])
  })

  it('hands core the address the gateway saw', async () => {
    await ask('service=harbor-registry', { ...basic('dev'), 'x-forwarded-for': '203.0.113.9' })
    expect(around.asked.at(-1)?.address).toBe('203.0.113.9')
  })

  it('knows a browser by its session cookie', async () => {
    const query = 'service=harbor-registry&scope=repository:library/a:pull'
    const answer = await ask(query, { cookie: 'theme=dark; sid=s%3Aknown.signature' })
    expect(decodeJwt(String((await bodyOf(answer)).token)).sub).toBe('dev')
  })

  it('lets nobody pull what is public and nothing else', async () => {
    const query = 'service=harbor-registry&scope=repository:open/a:pull,push&scope=repository:library/a:pull'
    const claims = decodeJwt(String((await bodyOf(await ask(query))).token))
    expect(claims.sub).toBe('')
    expect(claims.who).toBeUndefined()
    expect(claims.access).toMatchObject([{ actions: ['pull'] }, { actions: [] }])
  })

  it.each([
    ['nobody asks for nothing', 'service=harbor-registry', {}, 401, 'UNAUTHORIZED'],
    ['the password is wrong', 'service=harbor-registry', basic('dev', 'Wrong-1'), 401, 'UNAUTHORIZED'],
    ['the header cannot be read', 'service=harbor-registry', { authorization: 'Basic !' }, 401, 'UNAUTHORIZED'],
    ['the service is another', 'service=docker.io', basic('dev'), 400, 'BAD_REQUEST'],
    ['no service is named', 'account=dev', basic('dev'), 400, 'BAD_REQUEST'],
    ['a scope is no scope', 'service=harbor-registry&scope=everything', basic('dev'), 400, 'BAD_REQUEST'],
  ])('refuses when %s', async (_, query, headers, status, code) => {
    const answer = await ask(query, headers as Record<string, string>)
    expect(answer.status).toBe(status)
    expect(await answer.json()).toMatchObject({ errors: [{ code }] })
  })

  it('says the same of a wrong password and of an unknown name', async () => {
    const [wrong, unknown] = await Promise.all([
      ask('service=harbor-registry', basic('dev', 'Wrong-1')),
      ask('service=harbor-registry', basic('nobody-here')),
    ])
    expect(await wrong.json()).toEqual({ errors: [{ code: 'UNAUTHORIZED', message: 'authentication required' }] })
    expect(await unknown.json()).toEqual({ errors: [{ code: 'UNAUTHORIZED', message: 'authentication required' }] })
  })

  it.each(['POST', 'PUT', 'DELETE', 'HEAD'])('answers %s with 405', async (method) => {
    const answer = await ask('service=harbor-registry', basic('dev'), { method })
    expect(answer.status).toBe(405)
    expect(answer.headers.get('allow')).toBe('GET')
  })

  it('echoes the request id and counts what it signed', async () => {
    const answer = await ask('service=harbor-registry', { ...basic('dev'), 'x-request-id': 'from-the-gateway' })
    expect(answer.headers.get('x-request-id')).toBe('from-the-gateway')
    expect(await (await fetch(`${token.admin}/metrics`)).text()).toMatch(
      /berth_token_issued_total\{.*kind="user".*\} [1-9]/,
    )
  })
})

describe('what a token is good for', () => {
  const keys = async () => ((await (await fetch(`${token.url}/service/token/keys`)).json()) as { keys: JWK[] }).keys
  const forContent = createVerifier({ keys, audience: REGISTRY_AUDIENCE })
  const forSuite = createVerifier({ keys, audience: SUITE_AUDIENCE })

  it('verifies with the keys of the JWKS, which hold no private half', async () => {
    const body = await bodyOf(await ask('service=harbor-registry', basic('admin')))
    const claims = await forContent.verify(String(body.token))
    expect([claims.sub, claims.admin]).toEqual(['admin', undefined])
    expect(decodeProtectedHeader(String(body.token))).toEqual({
      alg: 'RS256',
      typ: 'JWT',
      kid: expect.stringMatching(/^([A-Z2-7]{4}:){11}[A-Z2-7]{4}$/),
    })
    for (const key of await keys()) expect(Object.keys(key).toSorted()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use'])
  })

  it('does not let a token for content ask about the suite', async () => {
    const body = await bodyOf(await ask('service=harbor-registry', basic('admin')))
    await expect(forSuite.verify(String(body.token))).rejects.toThrow(TokenInvalid)
  })

  it('gives core a five-minute token that is good for both', async () => {
    const access = [{ type: 'repository', name: 'library/a', actions: ['pull'] }]
    const answer = await core.ask(personIssue, { name: 'dev', kind: 'user', id: 3, admin: false, access })
    expect(answer.expiresInSeconds).toBe(300)
    await expect(forContent.verify(answer.token)).resolves.toMatchObject({ sub: 'dev', access })
    await expect(forSuite.verify(answer.token)).resolves.toMatchObject({ who: { kind: 'user', id: 3 } })
  })
})

describe('asks over NATS', () => {
  it('answers credentials and scopes with the same token as over HTTP', async () => {
    const bus = await connectBus({ user: 'everything', nats: natsSettings(around.nats.url), log: silentLogger })
    const credentials = { kind: 'basic', username: 'robot$ci', password: 'Right-1' } as const
    const scopes = [{ type: 'repository', name: 'library/a', actions: ['pull', 'push'] }]
    const answer = await bus.ask(accessIssue, { credentials, scopes })
    expect(answer.access).toMatchObject([{ name: 'library/a', actions: ['pull'] }])
    expect(decodeJwt(answer.token)).toMatchObject({ sub: 'robot$ci', who: { kind: 'robot', id: 7 } })
    await expect(
      bus.ask(accessIssue, { credentials: { ...credentials, password: 'x' }, scopes }),
    ).rejects.toMatchObject({
      code: 'UNAUTHORIZED',
    })
    await bus.close()
  })

  it('makes a new key for an administrator alone', async () => {
    const person = { name: 'dev', kind: 'user', id: 3, access: [] } as const
    const dev = await core.ask(personIssue, { ...person, access: [], admin: false })
    await expect(core.ask(keyRotate, {}, { token: dev.token })).rejects.toMatchObject({ code: 'FORBIDDEN' })
    await expect(core.ask(keyRotate, {})).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    const content = await bodyOf(await ask('service=harbor-registry', basic('admin')))
    await expect(core.ask(keyRotate, {}, { token: String(content.token) })).rejects.toMatchObject({
      code: 'UNAUTHORIZED',
    })

    const admin = await core.ask(personIssue, { ...person, access: [], admin: true })
    const { kid } = await core.ask(keyRotate, {}, { token: admin.token })
    const { keys } = await core.ask(keyList, {})
    expect(keys.map((key) => key.kid)).toEqual([kid, decodeProtectedHeader(admin.token).kid])
  })

  it('says that it is well', async () => {
    await expect(core.ask(healthCheck.token, {})).resolves.toEqual({
      components: [{ name: 'token', status: 'healthy' }],
    })
    expect((await fetch(`${token.admin}/readyz`)).status).toBe(200)
  })
})

describe('several replicas', () => {
  it('agree on the key and hear of a new one', async () => {
    const other = await around.startToken({ BERTH_REPLICA: '1' })
    const kidsOf = async (base: string) => {
      const { keys } = (await (await fetch(`${base}/service/token/keys`)).json()) as { keys: JWK[] }
      return keys.map(({ kid }) => kid)
    }
    const before = await kidsOf(token.url)
    expect(await kidsOf(other.url)).toEqual(before)

    const admin = { name: 'admin', kind: 'user', id: 1, admin: true, access: [] } as const
    const rotate = async () => {
      const { token: person } = await core.ask(personIssue, { ...admin, access: [] })
      return (await core.ask(keyRotate, {}, { token: person })).kid
    }
    // The key of the test before may still wait for its time to sign; until then it is the one answered.
    await expect.poll(rotate, { timeout: 15_000, interval: 250 }).not.toBe(before[0])
    const fresh = await rotate()
    for (const { url } of [token, other]) {
      await expect.poll(async () => (await kidsOf(url))[0], { timeout: 5_000 }).toBe(fresh)
    }
    await other.stop()
  })

  it('refuse to start with another secret key', async () => {
    const BERTH_SECRET_KEY = Buffer.from(Array.from({ length: 32 }, (_, n) => (n * 91 + n * n) % 256)).toString(
      'base64',
    )
    await expect(around.startToken({ BERTH_SECRET_KEY })).rejects.toThrow(
      /BERTH_SECRET_KEY does not open the signing keys/,
    )
  })

  it('refuse to start with a key out of an example', async () => {
    const BERTH_SECRET_KEY = Buffer.from('not-a-secure-key-not-a-secure-ke').toString('base64')
    await expect(around.startToken({ BERTH_SECRET_KEY })).rejects.toThrow(
      /BERTH_SECRET_KEY: is a value from an example/,
    )
  })
})

describe('when a part is away', () => {
  it('answers 503 with Retry-After while core is away, and goes on by itself', async () => {
    await stopCore()
    const away = await ask('service=harbor-registry', basic('dev'))
    expect(away.status).toBe(503)
    expect(away.headers.get('retry-after')).toMatch(/^\d+$/)
    expect(await away.json()).toMatchObject({ errors: [{ code: 'UNAVAILABLE' }] })
    stopCore = await around.startCore()
    expect((await ask('service=harbor-registry', basic('dev'))).status).toBe(200)
  })

  it('answers 503 while NATS is away, and goes on by itself', async () => {
    around.nats.kill('SIGKILL')
    await around.nats.exited
    expect((await ask('service=harbor-registry', basic('dev'))).status).toBe(503)
    await around.nats.restart()
    await expect
      .poll(async () => (await ask('service=harbor-registry', basic('dev'))).status, { timeout: 15_000 })
      .toBe(200)
  })
})
