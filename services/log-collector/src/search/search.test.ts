import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BadRequest } from '@berth/errors'
import type { LogLevel } from '@berth/types'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Journal, openJournal } from '../journal/index.ts'
import type { Filter } from './filter.ts'
import { type Cursor, formatCursor, parseCursor } from './place.ts'
import { search } from './search.ts'
import { createLogSearch } from './search-service.ts'

const START = Date.parse('2026-11-04T10:00:00.000Z')
const SERVICES = ['core', 'gateway', 'token']
const LEVELS: LogLevel[] = ['info', 'info', 'info', 'warn', 'info', 'error']
const TOTAL = 3_000
const all: Filter = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER }
const limits = { lines: 100, answerBytes: 512 * 1024, scanBytes: 1e9, scanMs: 60_000 }

let root: string
let journal: Journal
/** Numbers of all lines as a search should answer them. */
let newestFirst: { number: number; ms: number; service: string; level: LogLevel }[]

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'berth-search-'))
  let now = START
  const keep = { fileBytes: 200_000, totalBytes: 1e9, keepMs: 1e12 }
  journal = await openJournal({ root, limits: keep, now: () => now })
  newestFirst = []
  for (let number = 0; number < TOTAL; number += 30) {
    for (const [at, service] of SERVICES.entries()) {
      const batch = Array.from({ length: 10 }, (_, n) => {
        const mine = number + at * 10 + n
        // Replicas interleave, several lines share a millisecond, and some come late.
        const ms = START + Math.floor(mine / 7) * 3 - (mine % 5) * 2
        const level = LEVELS[mine % LEVELS.length]!
        newestFirst.push({ number: mine, ms, service, level })
        const line = {
          timestamp: new Date(ms).toISOString(),
          level,
          service,
          message: 'Said "so"',
          number: mine,
          pad: 'p'.repeat(150),
        }
        return { level, ms, bytes: Buffer.from(`${JSON.stringify({ ...line, requestId: `r-${mine % 500}` })}\n`) }
      })
      await journal.append(service, batch)
    }
    now += 40
    if (number % 900 === 0) await journal.tidy(journal.positions())
  }
  newestFirst.sort((a, b) => b.ms - a.ms)
})
afterAll(async () => {
  await journal.close()
  await rm(root, { recursive: true })
})

async function walk(filter: Filter, more: Partial<typeof limits> = {}) {
  const found: { number: number; ms: number }[] = []
  let pages = 0
  let cursor: Cursor | undefined
  do {
    const page = await search(journal, filter, { ...limits, ...more }, cursor)
    found.push(...page.lines.map((line) => ({ number: Number(line.number), ms: Date.parse(line.timestamp) })))
    // Through text and back, as a client hands it in.
    cursor = page.next && parseCursor(formatCursor(page.next))
    pages++
  } while (cursor)
  return { found, pages }
}

function expectSame(found: { number: number; ms: number }[], wanted: { number: number; ms: number }[]): void {
  expect(found.map(({ ms }) => ms)).toEqual(wanted.map(({ ms }) => ms))
  expect(found.map(({ number }) => number).toSorted()).toEqual(wanted.map(({ number }) => number).toSorted())
}

describe('walking back in time', () => {
  it.each([
    [{}],
    [{ lines: 1_000 }],
    [{ lines: 30, scanBytes: 1 }],
    [{ scanBytes: 1 }],
    [{ answerBytes: 9_000 }],
    [{ scanMs: 0 }],
  ])('finds every line once, the newest first, with limits %j', async (more) => {
    const { found } = await walk(all, more)
    expectSame(found, newestFirst)
  })

  it.each<[string, Partial<Filter>, (line: (typeof newestFirst)[number]) => boolean]>([
    ['service', { service: 'token' }, (line) => line.service === 'token'],
    ['level', { level: 'error' }, (line) => line.level === 'error'],
    ['level and graver', { level: 'warn' }, (line) => line.level !== 'info'],
    ['request', { requestId: 'r-77' }, (line) => line.number % 500 === 77],
    ['text with quotes, in any case', { text: 'SAID "SO"', service: 'core' }, (line) => line.service === 'core'],
    ['text of a field', { text: '"number":1321,' }, (line) => line.number === 1321],
    ['time', { fromMs: START + 300, toMs: START + 600 }, (line) => line.ms >= START + 300 && line.ms <= START + 600],
    ['nothing that is there', { text: 'never said' }, () => false],
  ])('finds what fits by %s', async (_, filter, fits) => {
    const wanted = newestFirst.filter(fits)
    expectSame((await walk({ ...all, ...filter })).found, wanted)
    expectSame((await walk({ ...all, ...filter }, { lines: 50, scanBytes: 300_000 })).found, wanted)
  })

  it('reads no more in one call than it may, and answers with a cursor', async () => {
    const page = await search(journal, { ...all, text: 'never said' }, { ...limits, scanBytes: 1 })
    expect(page.lines).toEqual([])
    expect(page.next).toBeDefined()
  })
})

describe('one search', () => {
  it.each(['x', Buffer.from('[1]').toString('base64url'), Buffer.from('["a",null,null]').toString('base64url')])(
    'refuses the made-up cursor %s',
    async (cursor) => {
      await expect(createLogSearch(journal).find({ limit: 1, cursor })).rejects.toThrow(BadRequest)
    },
  )

  it('is not one of too many at once', async () => {
    const searches = createLogSearch(journal)
    const results = await Promise.allSettled(Array.from({ length: 30 }, () => searches.find({ limit: 1 })))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(10)
    await expect(searches.find({ limit: 1 })).resolves.toHaveProperty('lines')
  })
})
