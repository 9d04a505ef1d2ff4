import { createVerifier, SUITE_AUDIENCE } from '@berth/access'
import { BadRequest, NotFound, Unavailable } from '@berth/errors'
import { contextOf, currentContext, silentLogger, withContext } from '@berth/runtime'
import { createTokenMint } from '@berth/testkit'
import { defineAsk } from '@berth/types'
import { headers, type Msg, RequestStrategy } from 'nats'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { answer, answerAsks, type Bus, DEADLINE, discover } from './index.ts'
import { eventually, openSurroundings, type Surroundings } from './testing/harness.ts'

const common = { service: 'token', noun: 'test', effect: 'read', caller: 'service', summary: 'for tests' } as const
const double = defineAsk({
  ...common,
  verb: 'double',
  request: z.object({ number: z.number().max(100), unit: z.string().default('bytes') }),
  response: z.object({ number: z.number(), unit: z.string() }),
})
const fail = defineAsk({ ...common, verb: 'fail', request: z.object({ how: z.string() }), response: z.object({}) })
const wait = defineAsk({
  ...common,
  verb: 'wait',
  request: z.object({ ms: z.number() }),
  response: z.object({ done: z.boolean() }),
})
const whoami = defineAsk({
  ...common,
  verb: 'whoami',
  caller: 'person',
  request: z.object({}),
  response: z.object({ sub: z.string() }),
})
const context = defineAsk({
  ...common,
  verb: 'context',
  request: z.object({}),
  response: z.object({ requestId: z.string(), traceparent: z.string(), address: z.string().optional() }),
})
const lie = defineAsk({ ...common, verb: 'lie', request: z.object({}), response: z.object({ number: z.number() }) })
const nobody = defineAsk({
  ...common,
  verb: 'nobody',
  timeoutMs: 60_000,
  request: z.object({}),
  response: z.object({}),
})

const mint = createTokenMint()
const handled: string[] = []

let around: Surroundings
let asker: Bus

beforeAll(async () => {
  around = await openSurroundings({ provisioned: false })
  asker = await around.connect('everything')
  for (const replica of ['one', 'two']) await answerAs(await around.connect('token'), replica)
})
afterAll(() => around.stop())

async function answerAs(bus: Bus, replica: string): Promise<void> {
  const answers = [
    answer(double, async ({ number, unit }) => {
      handled.push(replica)
      return { number: number * 2, unit }
    }),
    answer(fail, async ({ how }) => {
      if (how === 'domain') throw new NotFound('no such thing', { detail: { thing: 7 } })
      if (how === 'later') throw new Unavailable('not just now', { retryAfterSeconds: 17 })
      throw new Error('postgres://core:hunter2@db failed')
    }),
    answer(wait, async ({ ms }) => {
      await new Promise((resolve) => setTimeout(resolve, ms))
      handled.push('waited')
      return { done: true }
    }),
    answer(whoami, async (_request, caller) => ({ sub: caller.sub })),
    answer(context, async () => currentContext() ?? { requestId: '', traceparent: '' }),
    answer(lie, async () => ({ number: 'many' as unknown as number })),
  ]
  const verifier = createVerifier({ keys: async () => mint.keys, audience: SUITE_AUDIENCE })
  await answerAsks(bus, { service: 'token', version: '0.1.0', answers, log: silentLogger, verifier })
}

/** What stands on the wire, without our own asking side. */
async function raw(subject: string, body: string, more: Record<string, string> = {}): Promise<Msg> {
  const hdrs = headers()
  for (const [name, value] of Object.entries(more)) hdrs.set(name, value)
  return asker.connection.request(subject, body, { timeout: 2_000, headers: hdrs })
}

describe('asking', () => {
  it('brings an answer, by one replica of those there are', async () => {
    handled.length = 0
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, number) => asker.ask(double, { number, unit: 'x' })),
    )
    expect(answers).toEqual(Array.from({ length: 40 }, (_, number) => ({ number: number * 2, unit: 'x' })))
    expect(handled).toHaveLength(40)
    expect(new Set(handled)).toEqual(new Set(['one', 'two']))
  })

  it('sends nothing that does not fit', async () => {
    await expect(asker.ask(double, { number: 101, unit: 'x' })).rejects.toThrow(BadRequest)
  })

  it('is answered with BAD_REQUEST when what arrives does not fit', async () => {
    for (const body of ['no JSON', '[]', '{"number":"7"}', '{"number":101}']) {
      const message = await raw(double.subject, body)
      expect(message.headers?.get('Nats-Service-Error-Code')).toBe('400')
      expect(message.json()).toMatchObject({ code: 'BAD_REQUEST' })
    }
    expect((await raw(double.subject, '{"number":7}')).json()).toEqual({ number: 14, unit: 'bytes' })
  })

  it('does not hand on an answer that does not fit', async () => {
    await expect(asker.ask(lie, {})).rejects.toMatchObject({ code: 'UNKNOWN' })
    expect((await raw(lie.subject, '{}')).json()).toEqual({ code: 'UNKNOWN', message: 'internal server error' })
  })

  it('brings an error with its code, words, detail, and when to come back', async () => {
    await expect(asker.ask(fail, { how: 'domain' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'no such thing',
      detail: { thing: 7 },
    })
    await expect(asker.ask(fail, { how: 'later' })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      retryAfterSeconds: 17,
    })
  })

  it('says no more of an unexpected error than that there was one', async () => {
    const message = await raw(fail.subject, '{"how":"badly"}')
    expect(message.string()).toBe('{"code":"UNKNOWN","message":"internal server error"}')
  })

  it('fails at once where nobody answers', async () => {
    await expect(asker.ask(nobody, {})).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      retryAfterSeconds: expect.any(Number),
    })
  })

  it('carries the request id, the trace and the address of the client', async () => {
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
    const ids = contextOf({ requestId: 'from-the-gateway', traceparent, address: '2001:db8::9' })
    const answered = await withContext(ids, () => asker.ask(context, {}))
    expect(answered).toEqual(ids)
  })
})

it('ends the waiting when the connection is closed meanwhile', async () => {
  const other = await around.connect('everything')
  const asked = expect(other.ask(wait, { ms: 5_000 })).rejects.toThrow(Unavailable)
  await other.connection.close()
  await asked
})

describe('a deadline', () => {
  it('ends the waiting', async () => {
    await expect(asker.ask(wait, { ms: 500 }, { timeoutMs: 50 })).rejects.toThrow(Unavailable)
  })

  it('that has passed keeps a question from being worked on', async () => {
    handled.length = 0
    const past = { [DEADLINE]: new Date(Date.now() - 1_000).toISOString() }
    await expect(raw(double.subject, '{"number":1}', past)).rejects.toThrow()
    expect(handled).not.toContain('one')
    expect(handled).not.toContain('two')
  })

  it('keeps an answer that is too late from being sent', async () => {
    handled.length = 0
    const soon = { [DEADLINE]: new Date(Date.now() + 200).toISOString() }
    await expect(raw(wait.subject, '{"ms":400}', soon)).rejects.toThrow()
    expect(handled).toContain('waited')
  })
})

describe('a question on behalf of a person', () => {
  it('is answered for whoever the token is of', async () => {
    await expect(asker.ask(whoami, {}, { token: mint.mint({ sub: 'dev' }) })).resolves.toEqual({ sub: 'dev' })
  })

  it.each([
    ['no token', undefined],
    ['nonsense', 'nonsense'],
    ['a token for content alone', mint.mint({ aud: 'harbor-registry' })],
    ['a token that has expired', mint.mint({ exp: 1_000, iat: 900, nbf: 900 })],
    ['a token signed by somebody else', createTokenMint().mint()],
  ])('is refused with %s', async (_, token) => {
    await expect(asker.ask(whoami, {}, { token })).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
  })

  it('believes no name in a header', async () => {
    const message = await raw(whoami.subject, '{}', { 'x-user': 'admin', 'x-forwarded-user': 'admin', sub: 'admin' })
    expect(message.json()).toMatchObject({ code: 'UNAUTHORIZED' })
  })
})

it('lets an operator discover and measure who answers', async () => {
  const operator = await around.connect('operator')
  expect((await discover(operator, { waitMs: 300 })).map(({ name, version }) => [name, version])).toEqual([
    ['token', '0.1.0'],
    ['token', '0.1.0'],
  ])
  const stats = await operator.connection.services
    .client({ strategy: RequestStrategy.Timer, maxWait: 300 })
    .stats('token')
  for await (const { endpoints } of stats) expect(endpoints?.map(({ subject }) => subject)).toContain(double.subject)
})

describe('when NATS goes', () => {
  it('fails at once while it is away, and is answered again when it is back', async () => {
    around.nats.kill('SIGKILL')
    await expect.poll(() => asker.connected, eventually).toBe(false)
    await expect(asker.ask(nobody, {})).rejects.toThrow(Unavailable)
    await around.nats.restart()
    await expect
      .poll(() => asker.ask(double, { number: 4, unit: 'x' }).catch(() => undefined), eventually)
      .toEqual({ number: 8, unit: 'x' })
  })
})
