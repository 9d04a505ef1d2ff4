import { setTimeout as sleep } from 'node:timers/promises'
import type { Delivered } from '@berth/messaging'
import type { Logger } from '@berth/runtime'
import type { Journal } from '../journal/index.ts'
import { writeCheckpoint } from './checkpoint.ts'
import type { Ledger } from './ledger.ts'
import { type Line, parseLines } from './line.ts'
import type { IntakeMetrics } from './metrics.ts'

const CHECKPOINT_MS = 5_000
const AGAIN_MS = 1_000

export interface Intake {
  /** Undefined while all is well. */
  readonly failure: string | undefined
  /** Resolves when every line of the batch is on the disk; a full disk is waited for. */
  take(batch: readonly Delivered[]): Promise<void>
  /** What has to be done now and then: compress, remove, forget. */
  tidy(): Promise<void>
  /** Gives up waiting for the disk, and writes down where everything stands. */
  close(): Promise<void>
}

/** From the stream into the files: each line once, in the order of the stream. */
export function createIntake(options: {
  journal: Journal
  ledger: Ledger
  metrics: IntakeMetrics
  log: Logger
  now?: () => number
}): Intake {
  const { journal, ledger, metrics, log, now = Date.now } = options
  const closing = new AbortController()
  let failure: string | undefined
  let checkedAt = 0
  let isDirty = true
  // Once a batch was given up, the ledger knows lines no file has; what was written down before it is right.
  let isWhole = true
  // Batches, checkpoints and the end of a day take turns: a checkpoint must not see half a batch.
  let turn: Promise<unknown> = Promise.resolve()
  let accounted = journal.positions()

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = turn.then(work)
    turn = done.catch(() => undefined)
    return done
  }

  async function write(service: string, lines: Line[]): Promise<void> {
    for (;;) {
      try {
        await journal.append(service, lines)
        failure = undefined
        return
      } catch (err) {
        failure = err instanceof Error ? err.message : String(err)
        log.error('cannot write log lines, will try again', { of: service, err })
        // Aborted when we stop: nothing is acknowledged, and the lines come again.
        await sleep(AGAIN_MS, undefined, { signal: closing.signal }).catch((aborted) => {
          isWhole = false
          throw aborted
        })
      }
    }
  }

  async function checkpoint(): Promise<void> {
    if (!isWhole || !isDirty) return
    const positions = journal.positions()
    await writeCheckpoint(journal.root, { ledger: ledger.state(), positions })
    accounted = positions
    checkedAt = now()
    isDirty = false
  }

  function newLines(batch: readonly Delivered[]): Map<string, Line[]> {
    const lines = new Map<string, Line[]>()
    for (const message of batch) {
      const { sequence, deliveries } = message
      ledger.takeMessage(sequence, deliveries, now())
      for (const line of parseLines(message)) {
        const { service, instance, seq } = line
        const isNew =
          instance === undefined || seq === undefined || ledger.takeLine({ service, instance, seq }, sequence, now())
        if (!isNew) {
          metrics.duplicates.inc()
          continue
        }
        const others = lines.get(service)
        if (others) others.push(line)
        else lines.set(service, [line])
      }
    }
    return lines
  }

  async function takeBatch(batch: readonly Delivered[]): Promise<void> {
    isDirty = true
    const lines = newLines(batch)
    await Promise.all([...lines].map(([service, some]) => write(service, some)))
    for (const [service, some] of lines) metrics.wrote(service, some)
    const last = batch.at(-1)
    if (last) metrics.caughtUpTo(last, now())
    if (now() - checkedAt > CHECKPOINT_MS) {
      await checkpoint().catch((err) => log.warn('cannot write down the account of lost lines yet', { err }))
    }
  }

  return {
    get failure() {
      return failure
    },
    take: (batch) => inTurn(() => takeBatch(batch)),
    async tidy() {
      await inTurn(async () => {
        await journal.endOldDay()
        ledger.forget(now())
        await checkpoint()
      })
      await journal.tidy(accounted)
    },
    async close() {
      closing.abort()
      await inTurn(checkpoint)
      await journal.close()
    },
  }
}
