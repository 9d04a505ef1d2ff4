import type { Database } from '@berth/db'
import type { GcOptions, GcSweepResponse } from '@berth/types'
import type { Storage, StorageKey } from '../storage/index.ts'
import { gcLines } from './gc-lines.ts'
import { type GcMetrics, unmeasured } from './gc-metrics.ts'
import { type GcRunRow, mustBeForced, pauseAfter, toGcRun, usualAfter, wantsAnotherTurn } from './gc-run.ts'
import { advanceRun, gcStore, Overtaken } from './gc-store.ts'
import { absentOf, removeInParts, sweepTrash } from './remove-bytes.ts'
import { anyCondemned, condemnBlobs, measureBlobs, type RemovedBlob, removeCondemned } from './unreferenced.ts'
import { listMarked, type MarkedManifest, markUntagged, unmarkDeleted } from './untagged.ts'

/** How long a step goes on taking batches. */
const STEP_MS = 1_000
const BUSY_MS = 500
const MAX_WAIT_MS = 2_000
const MANIFEST_BATCH = 20
const MAX_LINES = 5_000
const ONCE = { once: true }

export interface GcParts {
  database: Database
  storage: Storage
  /** How long a blob is spared after it was touched, and how long a condemned one can be revived. */
  windowMs: number
  graceMs: number
  /** Deletes one untagged manifest by the rules of deleting; one that may not be deleted, or is young, stays. */
  deleteUntagged(manifest: { repository: string; digest: string }, windowMs: number): Promise<void>
  metrics?: GcMetrics
}

export interface GcRequest {
  run?: number
  options?: GcOptions
  action?: 'step' | 'stop' | 'resume'
}

/** Does the next bounded step of a run; {@link runGc} drives a whole one. */
export type GcStep = (request: GcRequest) => Promise<GcSweepResponse>

/** What one batch did: the run after it, and what to say. `waitMs`: nothing to do before that. */
interface Batch {
  run: GcRunRow
  lines?: string[]
  waitMs?: number
}

/**
 * Online garbage collection by the rules of the data plane: condemned, row gone, bytes gone, each step harmless when it
 * is broken off or done twice. Figures change in the transaction that makes them true. Nothing is held while the storage
 * is at work.
 */
export function gcEngine(parts: GcParts): GcStep {
  const { database, storage, metrics = unmeasured } = parts
  const store = gcStore(database)
  let usualMs = Number.POSITIVE_INFINITY

  async function mark(run: GcRunRow): Promise<Batch> {
    const outcome = await database.transaction(async (tx) => {
      const { cursor, found } = await markUntagged(tx, run)
      if (cursor === undefined) return undefined
      return advanceRun(tx, run, cursor, { turn_count: found, eligible_manifests: found }, ONCE)
    })
    if (outcome !== undefined) return { run: outcome }
    return { run: await store.enter(run, wantsAnotherTurn(run) ? 'mark' : 'measure') }
  }

  async function measure(run: GcRunRow): Promise<Batch> {
    const seen = await measureBlobs(database, run)
    if (seen !== undefined) {
      const by = { stored_bytes: seen.stored, eligible_blobs: seen.blobs, eligible_bytes: seen.bytes }
      return { run: await advanceRun(database, run, seen.cursor, by, ONCE) }
    }
    const lines = gcLines.eligible(run)
    if (run.dry_run) return { run: await store.enter(run, 'done'), lines }
    if (!run.forced && mustBeForced(run.eligible_bytes, run.stored_bytes)) {
      return { run: await store.refuse(run.id), lines: [...lines, gcLines.refused(run)] }
    }
    return { run: await store.enter(run, run.eligible_manifests > 0 ? 'manifests' : 'condemn'), lines }
  }

  async function manifests(run: GcRunRow): Promise<Batch> {
    const batch = await listMarked(database, run.id, run.cursor, MANIFEST_BATCH)
    if (batch.length === 0) {
      return { run: await store.enter(run, wantsAnotherTurn(run) ? 'manifests' : 'condemn') }
    }
    await inTurns(batch, run.workers, async (marked) => {
      if (isThere(marked)) await parts.deleteUntagged(marked, run.window_ms)
    })
    const ids = batch.map(({ id }) => id)
    const after = await database.transaction(async (tx) => {
      const gone = await unmarkDeleted(tx, run.id, ids)
      return { gone, run: await advanceRun(tx, run, Math.min(...ids), { turn_count: gone, purged_manifests: gone }) }
    })
    metrics.purgedManifests(after.gone)
    return { run: after.run, lines: batch.filter(isThere).map((one) => gcLines.untagged(one.repository, one.digest)) }
  }

  async function condemn(run: GcRunRow): Promise<Batch> {
    const cursor = await condemnBlobs(database, run)
    if (cursor !== undefined) return { run: await advanceRun(database, run, cursor, {}) }
    return { run: await store.enter(run, (await anyCondemned(database)) ? 'grace' : 'bytes') }
  }

  async function grace(run: GcRunRow): Promise<Batch> {
    const left = await store.graceLeft(run.id)
    return left > 0 ? { run, waitMs: Math.min(left, MAX_WAIT_MS) } : { run: await store.enter(run, 'blobs') }
  }

  async function blobs(run: GcRunRow): Promise<Batch> {
    const outcome = await database.transaction(async (tx) => {
      const { cursor, removed } = await removeCondemned(tx, run)
      if (cursor === undefined) return undefined
      const freed = removed.reduce((sum, { size }) => sum + size, 0)
      const by = { turn_count: removed.length, purged_blobs: removed.length, freed_bytes: freed }
      return { removed, freed, run: await advanceRun(tx, run, cursor, by) }
    })
    if (outcome === undefined) return { run: await store.enter(run, 'bytes') }
    metrics.purgedBlobs(outcome.removed.length, outcome.freed)
    const { removed } = outcome
    const doubtful = removed.filter((blob) => blob.corrupt).map((blob) => blob.storage_key)
    const absent = await absentOf(storage, doubtful)
    const keys = removed.map((blob) => blob.storage_key)
    const remain = await removeInParts(database, storage, keys, run.workers)
    return {
      run: remain.size + absent.size === 0 ? outcome.run : await takeBack(outcome.run, removed, remain, absent),
      lines: removed.map((blob) => gcLines[remain.has(blob.storage_key) ? 'kept' : 'deleted'](blob.digest)),
    }
  }

  /** What the storage does not let go of is not freed, and is tried again with the trash; nor is what was gone before. */
  async function takeBack(
    run: GcRunRow,
    removed: readonly RemovedBlob[],
    remain: ReadonlySet<string>,
    absent: ReadonlySet<string>,
  ): Promise<GcRunRow> {
    const unfreed = removed.filter(({ storage_key: key }) => remain.has(key) || absent.has(key))
    const bytes = unfreed.reduce((sum, { size }) => sum + size, 0)
    return advanceRun(database, run, run.cursor, { purged_blobs: -remain.size, freed_bytes: -bytes })
  }

  /** What a step that was broken off left in the trash. */
  async function bytes(run: GcRunRow): Promise<Batch> {
    const found: StorageKey[] = await sweepTrash(database, storage, run)
    return { run: found.length > 0 ? run : await store.enter(run, 'done') }
  }

  /** Where somebody else has taken the run, whose step took longer than it may. */
  async function goOnWith(run: GcRunRow, err: unknown): Promise<Batch> {
    if (!(err instanceof Overtaken)) throw err
    return { run: await store.get(run.id) }
  }

  /** Stopped at the very end, and gone on with. */
  const done = async (run: GcRunRow): Promise<Batch> => ({ run: await store.enter(run, 'done') })
  const phases = { mark, measure, manifests, condemn, grace, blobs, bytes, done }

  async function step(first: GcRunRow): Promise<Required<Batch>> {
    const until = performance.now() + STEP_MS
    const lines: string[] = []
    let run = first
    for (;;) {
      const began = performance.now()
      const batch = await phases[run.phase](run).catch((err): Promise<Batch> => goOnWith(run, err))
      run = batch.run
      lines.push(...(batch.lines ?? []))
      if (run.state === 'finished') lines.push(...gcLines.finished(run))
      const isOver = run.state !== 'running' || performance.now() > until || lines.length > MAX_LINES
      const waitMs = batch.waitMs ?? (await pauseFor(run, performance.now() - began))
      if (isOver || waitMs > 0) return { run, lines, waitMs: run.state === 'running' ? waitMs : 0 }
    }
  }

  /** Measured by how long Postgres takes for the smallest of commits, which is what pushes feel. */
  async function pauseFor(run: GcRunRow, batchMs: number): Promise<number> {
    if (run.state !== 'running' || pauseAfter(batchMs, 0, 0) === 0) return 0
    const before = performance.now()
    await advanceRun(database, run, run.cursor, {})
    const commitMs = performance.now() - before
    usualMs = usualAfter(usualMs, commitMs)
    return pauseAfter(batchMs, commitMs, usualMs)
  }

  async function firstRow({ run, options, action = 'step' }: GcRequest): Promise<{ row: GcRunRow; lines: string[] }> {
    if (run === undefined) {
      const wanted = options ?? { deleteUntagged: false, dryRun: false, workers: 1, force: false }
      const row = await store.begin(wanted, parts)
      return { row, lines: gcLines.begun(row) }
    }
    if (action === 'stop') return { row: await store.stop(run), lines: [] }
    return { row: action === 'resume' ? await store.resume(run) : await store.get(run), lines: [] }
  }

  return async (request) => {
    const { row, lines } = await firstRow(request)
    const taken = row.state === 'running' ? await store.take(row.id) : undefined
    if (taken === undefined) {
      const waitMs = row.state === 'running' ? BUSY_MS : 0
      return { ...toGcRun(row), waitMs, lines }
    }
    try {
      const outcome = await step(taken)
      return { ...toGcRun(outcome.run), waitMs: outcome.waitMs, lines: [...lines, ...outcome.lines] }
    } finally {
      await store.release(row.id)
    }
  }
}

function isThere(marked: MarkedManifest): marked is MarkedManifest & { repository: string; digest: string } {
  return marked.repository !== null && marked.digest !== null
}

/** So many at a time, in their order. */
async function inTurns<T>(items: readonly T[], workers: number, work: (item: T) => Promise<void>): Promise<void> {
  const waiting = items.values()
  await Promise.all(
    Array.from({ length: workers }, async () => {
      for (const item of waiting) await work(item)
    }),
  )
}
