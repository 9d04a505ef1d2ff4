import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Bus } from './bus.ts'
import { sayTo } from './say.ts'

let published: [subject: string, text: string][]
let lastWords: (() => void)[]
let connected: boolean
let say: ReturnType<typeof sayTo>

beforeEach(() => {
  vi.useFakeTimers()
  published = []
  lastWords = []
  connected = true
  const bus: Pick<Bus, 'connected' | 'beforeClose'> & { connection: object } = {
    get connected() {
      return connected
    },
    beforeClose: (work) => void lastWords.push(work),
    connection: { publish: (subject: string, text: string) => void published.push([subject, text]) },
  }
  say = sayTo(bus as Bus)
})
afterEach(() => vi.useRealTimers())

const info = (json: string, service = 'core') => say({ service, level: 'info', json })

describe('lines that are said', () => {
  it('one after the other go out together, in their order', () => {
    for (const json of ['{"n":1}', '{"n":2}', '{"n":3}']) info(json)
    expect(published).toEqual([])
    vi.advanceTimersByTime(20)
    expect(published).toEqual([['log.core.info', '{"n":1}\n{"n":2}\n{"n":3}']])
    vi.advanceTimersByTime(1000)
    expect(published).toHaveLength(1)
  })

  it('of trouble go out at once, after those before them', () => {
    info('{"n":1}')
    say({ service: 'core', level: 'error', json: '{"n":2}' })
    expect(published).toEqual([
      ['log.core.info', '{"n":1}'],
      ['log.core.error', '{"n":2}'],
    ])
  })

  it('of several services are not mixed', () => {
    info('{"n":1}', 'postgres')
    info('{"n":2}', 'nats')
    vi.advanceTimersByTime(20)
    expect(published.map(([subject]) => subject)).toEqual(['log.postgres.info', 'log.nats.info'])
  })

  it('fill no message beyond 64 KiB, and one that is longer is not sent', () => {
    const json = 'x'.repeat(30_000)
    for (let n = 0; n < 5; n++) info(json)
    info('x'.repeat(70_000))
    vi.advanceTimersByTime(20)
    expect(published.map(([, text]) => text.length)).toEqual([60_001, 60_001, 30_000])
  })

  it('last go out before the connection is closed', () => {
    info('{"n":1}')
    for (const work of lastWords) work()
    expect(published).toEqual([['log.core.info', '{"n":1}']])
  })

  it('while NATS is away are dropped', () => {
    info('{"n":1}')
    connected = false
    info('{"n":2}')
    vi.advanceTimersByTime(20)
    expect(published).toEqual([])
  })
})
