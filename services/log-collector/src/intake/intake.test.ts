import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMetrics, silentLogger } from '@berth/runtime'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Journal, openJournal } from '../journal/index.ts'
import { readCheckpoint } from './checkpoint.ts'
import { createIntake } from './intake.ts'
import { createLedger } from './ledger.ts'
import { intakeMetrics } from './metrics.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'berth-intake-'))
})
afterEach(() => rm(root, { recursive: true }))

async function open(change: (journal: Journal) => Journal = (journal) => journal) {
  const checkpoint = await readCheckpoint(root, silentLogger)
  const ledger = createLedger(checkpoint?.ledger)
  const limits = { fileBytes: 1e6, totalBytes: 1e9, keepMs: 1e12 }
  const journal = change(await openJournal({ root, limits, since: checkpoint?.positions }))
  const metrics = intakeMetrics(createMetrics('log-collector'), ledger)
  return { ledger, intake: createIntake({ journal, ledger, metrics, log: silentLogger }) }
}

function batch(...numbers: number[]) {
  return numbers.map((seq) => {
    const line = {
      timestamp: new Date().toISOString(),
      level: 'info',
      service: 'core',
      instance: 'a',
      seq,
      message: 'x',
    }
    const data = new TextEncoder().encode(JSON.stringify(line))
    return { subject: 'log.core.info', data, deliveries: 1, sequence: seq, storedAtMs: Date.now(), pending: 0 }
  })
}

async function writtenNumbers(): Promise<number[]> {
  const [name] = await readdir(join(root, 'core'))
  const text = await readFile(join(root, 'core', name!), 'utf8')
  return text
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { seq: number }).seq)
}

describe('taking lines in', () => {
  it('waits for a disk that is full, and says so meanwhile', async () => {
    let isFull = true
    const { intake } = await open((journal) => ({
      ...journal,
      append: (service, lines) => (isFull ? Promise.reject(new Error('ENOSPC')) : journal.append(service, lines)),
    }))
    const taken = intake.take(batch(1, 2))
    await expect.poll(() => intake.failure).toBe('ENOSPC')
    isFull = false
    await taken
    expect(intake.failure).toBeUndefined()
    expect(await writtenNumbers()).toEqual([1, 2])
    await intake.close()
  })

  it('does not take for written what it gave up when it stopped', async () => {
    const first = await open()
    await first.intake.take(batch(1, 2))
    await first.intake.close()
    const second = await open((journal) => ({ ...journal, append: () => Promise.reject(new Error('ENOSPC')) }))
    const given = second.intake.take(batch(3)).catch(() => 'given up')
    await expect.poll(() => second.intake.failure).toBe('ENOSPC')
    await second.intake.close()
    expect(await given).toBe('given up')

    const third = await open()
    await third.intake.take(batch(2, 3))
    expect(await writtenNumbers()).toEqual([1, 2, 3])
    await third.intake.close()
  })
})
