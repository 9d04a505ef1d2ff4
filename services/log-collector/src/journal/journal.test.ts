import { appendFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { LogLine } from '@berth/types'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Journal, openJournal, type Positions } from './journal.ts'
import { blocksOf, readBlock } from './read.ts'

const DAY = 24 * 3_600_000
const NOON = Date.parse('2026-11-04T12:00:00.000Z')
const limits = { fileBytes: 1_000_000, totalBytes: 100_000_000, keepMs: 14 * DAY }

let root: string
let now: number
let opened: Journal[]

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'berth-journal-'))
  now = NOON
  opened = []
})
afterEach(async () => {
  for (const journal of opened) await journal.close()
  await rm(root, { recursive: true })
})

async function open(more: Partial<Parameters<typeof openJournal>[0]> = {}): Promise<Journal> {
  const journal = await openJournal({ root, limits, now: () => now, ...more })
  opened.push(journal)
  return journal
}

function lines(count: number, pad = 20, service = 'core') {
  return Array.from({ length: count }, (_, number) => {
    const line = { timestamp: new Date(now).toISOString(), level: 'info', service, message: 'x'.repeat(pad), number }
    return { level: 'info' as const, ms: now, bytes: Buffer.from(`${JSON.stringify(line)}\n`) }
  })
}

async function everything(journal: Journal): Promise<LogLine[]> {
  const texts: string[] = []
  for (const segment of [...journal.segments()].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    for (const block of await blocksOf(root, segment))
      texts.push((await readBlock(root, segment, block)).toString('utf8'))
  }
  return texts
    .join('')
    .split('\n')
    .filter(Boolean)
    .map((text) => JSON.parse(text) as LogLine)
}

describe('the files', () => {
  it('are ended by size and by day, compressed so that zcat reads them, and still read the same', async () => {
    const journal = await open()
    for (let n = 0; n < 3; n++) await journal.append('core', lines(500, 1_000))
    now += DAY
    await journal.endOldDay()
    await journal.append('core', lines(10))
    const before = await everything(journal)
    expect(before.length).toBe(1_510)
    await journal.tidy(journal.positions())

    const files = await readdir(join(root, 'core'))
    const packed = files.filter((name) => name.endsWith('.gz'))
    expect(packed.length).toBe(3)
    expect(files.filter((name) => name.endsWith('.ndjson'))).toHaveLength(1)
    const unpacked = gunzipSync(await readFile(join(root, 'core', packed[0]!))).toString('utf8')
    expect(unpacked.trim().split('\n')).toHaveLength(500)
    expect(await everything(journal)).toEqual(before)
    expect(await everything(await open())).toEqual(before)
  })

  it('are not compressed before they are accounted for', async () => {
    const journal = await open({ limits: { ...limits, fileBytes: 1_000 } })
    const early = journal.positions()
    for (let n = 0; n < 3; n++) await journal.append('core', lines(20))
    await journal.tidy(early)
    expect((await readdir(join(root, 'core'))).filter((name) => name.endsWith('.gz'))).toEqual([])
  })

  it('go when they are old, and when they are too much, of whoever has the most', async () => {
    const journal = await open({ limits: { fileBytes: 1_000, totalBytes: 12_000, keepMs: 2 * DAY } })
    await journal.append('token', lines(5, 20, 'token'))
    for (let n = 0; n < 40; n++) {
      now += 1_000
      await journal.append('core', lines(10, 500))
    }
    await journal.tidy(journal.positions())
    const folders = [...journal.segments()].map(({ folder }) => folder)
    expect(folders).toContain('token')
    const total = [...journal.segments()].reduce((sum, { diskBytes }) => sum + diskBytes, 0)
    expect(total).toBeLessThanOrEqual(12_000)
    now += 3 * DAY
    await journal.endOldDay()
    await journal.tidy(journal.positions())
    expect([...journal.segments()]).toEqual([])
    expect(await readdir(join(root, 'core'))).toEqual([])
  })
})

describe('after a crash', () => {
  const newest = async () =>
    join(root, 'core', (await readdir(join(root, 'core'))).findLast((name) => name.endsWith('.ndjson'))!)

  it('cuts off half a line and goes on in the same file', async () => {
    await (await open()).append('core', lines(10))
    await appendFile(await newest(), '{"timestamp":"2026-')
    const again = await open()
    await again.append('core', lines(1))
    expect((await everything(again)).map((line) => line.number)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0])
    expect(await readdir(join(root, 'core'))).toHaveLength(1)
  })

  it('tells the lines nobody has accounted for', async () => {
    const journal = await open()
    await journal.append('core', lines(10))
    const positions: Positions = journal.positions()
    await journal.append('core', lines(3))
    await journal.append('token', lines(2, 20, 'token'))
    const told: unknown[] = []
    await open({ since: positions, onLine: (line) => told.push([line.service, line.number]) })
    expect(told.toSorted()).toEqual([
      ['core', 0],
      ['core', 1],
      ['core', 2],
      ['token', 0],
      ['token', 1],
    ])
  })

  it('finds a compressed file whose index is gone', async () => {
    const journal = await open({ limits: { ...limits, fileBytes: 1_000 } })
    for (let n = 0; n < 2; n++) await journal.append('core', lines(20))
    await journal.tidy(journal.positions())
    const index = (await readdir(join(root, 'core'))).find((name) => name.endsWith('.index.json'))!
    await rm(join(root, 'core', index))
    expect(await everything(await open())).toHaveLength(40)
  })
})
