import { describe, expect, it } from 'vitest'
import { ask, basic, codesOf, openTrial, type Trial } from './trial/index.ts'

const GOOD = basic('robot$puller', 'right')
const TOKEN = '/service/token?service=harbor-registry&scope=repository:library/app:pull'

/** A suite whose only good password is `right`. */
async function openGuarded(perMinute = 5): Promise<Trial> {
  const trial = await openTrial({ env: { BERTH_GATEWAY_FAILED_LOGINS_PER_MINUTE: String(perMinute) } })
  const isRight = (authorization: string | undefined) =>
    authorization !== undefined && Buffer.from(authorization.slice(6), 'base64').toString().endsWith(':right')
  for (const service of [...trial.token, ...trial.registry]) {
    service.answer((req, res) => {
      const { authorization } = req.headers
      const anonymous = authorization === undefined && req.url?.startsWith('/service/token')
      const status = anonymous || authorization?.startsWith('Bearer ') || isRight(authorization) ? 200 : 401
      res.writeHead(status).end()
    })
  }
  trial.core[0]?.answer((req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      if (req.url?.startsWith('/c/login')) {
        const isGood = Buffer.concat(chunks).toString().endsWith('password=right')
        return void res.writeHead(isGood ? 200 : 401).end()
      }
      const { authorization } = req.headers
      const isGood = isRight(authorization)
      if (authorization) res.setHeader('x-berth-credentials', isGood ? 'good' : 'bad')
      res.writeHead(authorization && !isGood ? 401 : 200).end()
    })
  })
  return trial
}

const ofToken = ({ url }: Trial, authorization?: string) =>
  ask(`${url}${TOKEN}`, authorization ? { headers: { authorization } } : {})

async function guess(trial: Trial, count: number): Promise<number[]> {
  const answers = await Promise.all(
    Array.from({ length: count }, (_, i) => ofToken(trial, basic('admin', `wrong-${i}`))),
  )
  return answers.map(({ status }) => status)
}

const login = ({ url }: Trial, password: string) =>
  ask(`${url}/c/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: `principal=admin&password=${password}`,
  })

describe('an address that guesses passwords', () => {
  it('is stopped after its failures, even when it asks all at once', async () => {
    const trial = await openGuarded()
    const statuses = await guess(trial, 40)
    expect(statuses.filter((status) => status === 401)).toHaveLength(5)
    expect(statuses.filter((status) => status === 429)).toHaveLength(35)
    const answer = await ofToken(trial, basic('admin', 'right'))
    expect([answer.status, codesOf(answer)]).toEqual([429, ['TOOMANYREQUESTS']])
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
    expect(await trial.metrics()).toContain('berth_gateway_refused_logins_total{service="gateway"} 36')
  })

  it('is refused at every door, in the words of that door', async () => {
    const trial = await openGuarded()
    await guess(trial, 5)
    const headers = { authorization: basic('admin', 'another') }
    const v2 = await ask(`${trial.url}/v2/`, { headers })
    expect([v2.status, codesOf(v2)]).toEqual([429, ['TOOMANYREQUESTS']])
    const api = await ask(`${trial.url}/api/v2.0/users/current`, { headers })
    expect([api.status, codesOf(api)]).toEqual([429, ['TOO_MANY_REQUEST']])
    const form = await login(trial, 'right')
    expect([form.status, codesOf(form)]).toEqual([429, ['TOO_MANY_REQUEST']])
  })

  it('by the web form is stopped too, however the path is written', async () => {
    const trial = await openGuarded(4)
    trial.core[0]?.answer((_req, res) => res.writeHead(401).end())
    const statuses: number[] = []
    for (const path of ['/c/login', '/c/login/', '/C/LOGIN', '/c/%6cogin', '/c/logi%6E/']) {
      const body = `principal=admin&password=${statuses.length}`
      statuses.push((await ask(`${trial.url}${path}`, { method: 'POST', body })).status)
    }
    expect(statuses).toEqual([401, 401, 401, 401, 429])
  })

  it('by basic authentication on the registry or the API is stopped too', async () => {
    const trial = await openGuarded()
    for (let i = 0; i < 5; i++) {
      const path = i % 2 === 0 ? '/v2/' : '/api/v2.0/users/current'
      const answer = await ask(`${trial.url}${path}`, { headers: { authorization: basic('admin', String(i)) } })
      expect(answer.status).toBe(401)
    }
    expect((await ofToken(trial, basic('admin', 'x'))).status).toBe(429)
  })

  it('does not disturb a thousand nodes behind it', async () => {
    const trial = await openGuarded(10)
    const nodes = Array.from({ length: 1000 }, (_, i) => basic(`robot$node-${i}`, 'right'))
    const pull = async (authorization: string) => [
      (await ofToken(trial, authorization)).status,
      (await ask(`${trial.url}/v2/library/app/manifests/1`, { headers: { authorization: 'Bearer x' } })).status,
    ]
    const inBatches = async () => {
      const statuses = new Set<number | undefined>()
      for (let i = 0; i < nodes.length; i += 200) {
        for (const both of await Promise.all(nodes.slice(i, i + 200).map(pull)))
          for (const one of both) statuses.add(one)
      }
      return statuses
    }
    expect(await inBatches()).toEqual(new Set([200]))
    expect(await guess(trial, 30)).toContain(429)
    expect(await inBatches()).toEqual(new Set([200]))
    expect((await ofToken(trial)).status).toBe(200)
  })

  it('does not stop those who log in with what was good before', async () => {
    const trial = await openGuarded()
    expect((await login(trial, 'right')).status).toBe(200)
    expect((await ask(`${trial.url}/api/v2.0/users/current`, { headers: { authorization: GOOD } })).status).toBe(200)
    await guess(trial, 10)
    expect((await login(trial, 'right')).status).toBe(200)
    expect((await ask(`${trial.url}/api/v2.0/users/current`, { headers: { authorization: GOOD } })).status).toBe(200)
    expect((await ofToken(trial, GOOD)).status).toBe(200)
    expect((await ofToken(trial, basic('admin', 'right'))).status).toBe(429)
  })

  it('cannot pass off a credential as good at a page that is open to all', async () => {
    const trial = await openGuarded()
    trial.core[0]?.answer((_req, res) => res.end('Pong'))
    const headers = { authorization: basic('admin', 'guess') }
    expect((await ask(`${trial.url}/api/v2.0/ping`, { headers })).status).toBe(200)
    await guess(trial, 5)
    expect((await ofToken(trial, headers.authorization)).status).toBe(429)
  })

  it('is not stopped when there is no limit', async () => {
    const trial = await openGuarded(0)
    expect(new Set(await guess(trial, 100))).toEqual(new Set([401]))
  })
})

describe('a thousand failures', () => {
  it('of others are not those of the client behind a trusted proxy', async () => {
    const env = { BERTH_GATEWAY_FAILED_LOGINS_PER_MINUTE: '3', BERTH_TRUSTED_PROXIES: '127.0.0.1' }
    const trial = await openTrial({ env })
    trial.token[0]?.answer((_req, res) => res.writeHead(401).end())
    const from = (address: string, password: string) =>
      ask(`${trial.url}${TOKEN}`, {
        headers: { authorization: basic('admin', password), 'x-forwarded-for': address },
      })
    for (let i = 0; i < 4; i++) await from('203.0.113.1', String(i))
    expect((await from('203.0.113.1', 'x')).status).toBe(429)
    expect((await from('203.0.113.2', 'x')).status).toBe(401)
  })
})

describe('the form of a login', () => {
  it('reaches its service as it was sent', async () => {
    const trial = await openTrial()
    await login(trial, 'pässword%20+')
    const [seen] = trial.core[0]?.seen ?? []
    expect(Buffer.from(seen?.body ?? '', 'latin1').toString()).toBe('principal=admin&password=pässword%20+')
    expect(seen?.headers['content-type']).toBe('application/x-www-form-urlencoded')
  })

  it('that is larger than any form is refused', async () => {
    const trial = await openTrial()
    const answer = await login(trial, 'x'.repeat(20_000))
    expect([answer.status, codesOf(answer)]).toEqual([413, ['REQUEST_ENTITY_TOO_LARGE']])
    expect(trial.core[0]?.seen).toEqual([])
  })

  it('and no password ever reaches the log', async () => {
    const trial = await openTrial()
    await login(trial, 'hunter2hunter2')
    await ofToken(trial, basic('admin', 'hunter2hunter2'))
    const text = JSON.stringify(trial.lines)
    expect(text).not.toContain('hunter2')
    expect(text).not.toContain(basic('admin', 'hunter2hunter2').slice(6))
  })
})
