import type { LogLine } from '@berth/types'
import { describe, expect, it } from 'vitest'
import { type Api, Refused } from '../api.ts'
import { CommandFailed } from '../exit.ts'
import { followLines } from './follow.ts'

const START = Date.parse('2026-03-01T12:00:00Z')
const PAGE = 50

/** A collector in memory: it has lines when they arrive, which is not when they were said. */
function collector() {
  const lines: LogLine[] = []
  let spoken = 0
  const script: (() => void)[] = []
  const requests: URLSearchParams[] = []
  const api: Api = {
    async call(_method, path, { shape, headers }) {
      const query = new URL(path, 'http://suite').searchParams
      requests.push(query)
      // Asking is a request too, and requests are logged.
      said(clock(), { requestId: headers?.['x-request-id'], message: 'request' })
      if (query.get('limit') === '1') script.shift()?.()
      const from = Date.parse(query.get('from') ?? '1970-01-01')
      const matching = lines
        .filter((one) => Date.parse(one.timestamp) >= from)
        .toSorted((a, b) => Date.parse(b.timestamp) - Date.parse(a.timestamp) || (b.seq ?? 0) - (a.seq ?? 0))
      const begin = Number(query.get('cursor') ?? 0)
      const size = Math.min(PAGE, Number(query.get('limit')))
      const next = begin + size < matching.length ? String(begin + size) : undefined
      const value = { lines: matching.slice(begin, begin + size), next, dropped: {} }
      return { value: shape.parse(value), headers: new Headers({ date: new Date(clock()).toUTCString() }) } as never
    },
  }
  let now = START
  const clock = () => now
  const pass = (ms: number) => {
    now += ms
  }
  function said(time: number, more: Partial<LogLine> = {}): string {
    spoken++
    const message = more.message ?? `line ${spoken}`
    lines.push({
      timestamp: new Date(time).toISOString(),
      level: 'info',
      service: 'core',
      instance: 'i',
      seq: spoken,
      ...more,
      message,
    })
    return message
  }
  return { api, said, script, requests, pass, clock }
}

async function follow(
  suite: ReturnType<typeof collector>,
  limit: number,
): Promise<{ shown: string[]; troubles: string[] }> {
  const stop = new AbortController()
  const shown: string[] = []
  const troubles: string[] = []
  suite.script.push(() => stop.abort())
  await followLines(suite.api, {
    filter: {},
    limit,
    signal: stop.signal,
    pollMs: 1,
    onLines: ({ lines }) => shown.push(...lines.map(({ message }) => message)),
    onTrouble: (err) => err && troubles.push(err.message),
  })
  return { shown, troubles }
}

describe('following', () => {
  it('begins with the newest lines and goes on with each further one, without its own requests', async () => {
    const suite = collector()
    for (let n = 0; n < 10; n++) suite.said(START - 60_000 + n * 1_000)
    suite.script.push(
      () => undefined,
      () => {
        suite.pass(1_000)
        suite.said(suite.clock(), { message: 'further' })
      },
      () => undefined,
      () => undefined,
    )
    const { shown } = await follow(suite, 2)
    expect(shown).toEqual(['line 9', 'line 10', 'further'])
  })

  it('shows a line that arrives behind younger ones, once', async () => {
    const suite = collector()
    suite.said(START, { message: 'first' })
    suite.script.push(
      () => undefined,
      () => suite.said(START + 1_000, { message: 'young' }),
      () => suite.said(START + 200, { message: 'late' }),
      () => undefined,
    )
    const { shown } = await follow(suite, 5)
    expect(shown).toEqual(['first', 'young', 'late'])
  })

  it('finds lines that come long after they were said, as after a pause of NATS', async () => {
    const suite = collector()
    suite.said(START, { message: 'first' })
    for (let round = 1; round <= 12; round++) {
      suite.script.push(() => {
        suite.pass(1_000)
        if (round === 4) suite.said(START + 1_000 - 15_000, { message: 'fifteen seconds late' })
      })
    }
    const { shown } = await follow(suite, 5)
    expect(shown).toEqual(['first', 'fifteen seconds late'])
  })

  it('finds lines that were handed out again after minutes', async () => {
    const suite = collector()
    suite.said(START, { message: 'first' })
    for (let round = 1; round <= 64; round++) {
      suite.script.push(() => {
        suite.pass(1_000)
        if (round === 50) suite.said(START + 2_000, { message: 'much too late' })
      })
    }
    const { shown } = await follow(suite, 5)
    expect(shown).toEqual(['first', 'much too late'])
  })

  it('leaves out what was said long before it began, however late that comes', async () => {
    const suite = collector()
    for (let round = 1; round <= 64; round++) {
      suite.script.push(() => {
        suite.pass(1_000)
        if (round === 10) suite.said(START - 60_000, { message: 'of yesterday' })
      })
    }
    const { shown } = await follow(suite, 5)
    expect(shown).toEqual([])
  })

  it('reads every page, however many lines came at once', async () => {
    const suite = collector()
    suite.script.push(
      () => undefined,
      () => {
        for (let n = 0; n < 120; n++) suite.said(START + 10 * n, { message: `burst ${n}` })
      },
    )
    const { shown } = await follow(suite, 5)
    expect(shown).toEqual(Array.from({ length: 120 }, (_, n) => `burst ${n}`))
  })

  it('goes on when the collector comes back, with what was said meanwhile', async () => {
    const suite = collector()
    const away = (status: number) => () => {
      throw new Refused(status, 'log-collector cannot be reached')
    }
    suite.script.push(
      () => undefined,
      away(503),
      () => {
        throw new CommandFailed('cannot reach the suite')
      },
      () => suite.said(START + 500, { message: 'meanwhile' }),
    )
    const { shown, troubles } = await follow(suite, 5)
    expect(shown).toEqual(['meanwhile'])
    expect(troubles).toEqual(['log-collector cannot be reached', 'cannot reach the suite'])
  })

  it('ends when it may not look', async () => {
    const suite = collector()
    suite.script.push(() => {
      throw new Refused(403, 'for administrators')
    })
    await expect(follow(suite, 5)).rejects.toThrow('for administrators')
  })
})
