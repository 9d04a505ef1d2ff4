import type { GcOptions, GcRun } from '@berth/types'

const GIB = 1024 ** 3
const MAX_TURNS = 10
const QUICK_MS = 20
const LEAST_SLOW_MS = 10
const MAX_PAUSE_MS = 5_000

export type GcPhase = GcRun['phase']

/** A run as its row has it. */
export interface GcRunRow {
  id: number
  state: GcRun['state']
  phase: GcPhase
  delete_untagged: boolean
  dry_run: boolean
  forced: boolean
  workers: number
  window_ms: number
  grace_ms: number
  cursor: number
  /** How often the phase has begun anew, and what it has found since. */
  turn: number
  turn_count: number
  stored_bytes: number
  eligible_manifests: number
  eligible_blobs: number
  eligible_bytes: number
  purged_manifests: number
  purged_blobs: number
  freed_bytes: number
  started_at: Date
  finished_at: Date | null
}

/** What a step adds to the figures of its run. */
export type GcFigures = Partial<
  Pick<
    GcRunRow,
    | 'turn_count'
    | 'stored_bytes'
    | 'eligible_manifests'
    | 'eligible_blobs'
    | 'eligible_bytes'
    | 'purged_manifests'
    | 'purged_blobs'
    | 'freed_bytes'
  >
>

/**
 * Whether a phase is to begin anew: its last turn found something that may have uncovered more. Where people untag all
 * the time that never ends by itself; what is left is for the next run.
 */
export function wantsAnotherTurn({ turn, turn_count }: Pick<GcRunRow, 'turn' | 'turn_count'>): boolean {
  return turn_count > 0 && turn < MAX_TURNS
}

/** Whether a run would remove so much that somebody must say that it is meant: over a fifth, and over 10 GiB. */
export function mustBeForced(eligibleBytes: number, storedBytes: number): boolean {
  return eligibleBytes > 10 * GIB && eligibleBytes > storedBytes / 5
}

/**
 * How long to leave Postgres to others after a batch that took so long: half of that, and four times of it once commits
 * are slower than twice what they usually take. After quick batches it is nothing.
 */
export function pauseAfter(batchMs: number, commitMs: number, usualMs: number): number {
  if (batchMs < QUICK_MS) return 0
  const isSlow = commitMs > Math.max(LEAST_SLOW_MS, usualMs * 2)
  return Math.min(MAX_PAUSE_MS, Math.round(batchMs * (isSlow ? 4 : 0.5)))
}

/** What commits usually take, after one more: the quickest ones, and less and less sure of it. */
export function usualAfter(usualMs: number, commitMs: number): number {
  return Math.min(usualMs * 1.05, commitMs)
}

function optionsOf(row: GcRunRow): GcOptions {
  return { deleteUntagged: row.delete_untagged, dryRun: row.dry_run, workers: row.workers, force: row.forced }
}

export function toGcRun(row: GcRunRow): GcRun {
  return {
    run: row.id,
    state: row.state,
    phase: row.phase,
    options: optionsOf(row),
    startedAt: row.started_at.toISOString(),
    finishedAt: row.finished_at?.toISOString(),
    storedBytes: row.stored_bytes,
    eligibleManifests: row.eligible_manifests,
    eligibleBlobs: row.eligible_blobs,
    eligibleBytes: row.eligible_bytes,
    purgedManifests: row.purged_manifests,
    purgedBlobs: row.purged_blobs,
    freedBytes: row.freed_bytes,
  }
}
