import { type Database, type Queries, statement } from '@berth/db'
import { Conflict, NotFound } from '@berth/errors'
import type { GcOptions } from '@berth/types'
import type { GcFigures, GcPhase, GcRunRow } from './gc-run.ts'

/** How long one step may take before somebody else may do the next one; nothing goes wrong if two do. */
const LEASE = '10 s'
/** A run whose driver is gone for so long does not keep others from beginning. */
const FORSAKEN = '2 min'
const KEPT_RUNS = 100

const COLUMNS = `id, state, phase, delete_untagged, dry_run, forced, workers, window_ms, grace_ms, cursor, turn, turn_count,
  stored_bytes, eligible_manifests, eligible_blobs, eligible_bytes, purged_manifests, purged_blobs, freed_bytes,
  started_at, finished_at`

const endForsaken = statement(
  'gc-end-forsaken',
  `UPDATE gc_run SET state = 'stopped' WHERE state = 'running' AND stepped_at < now() - interval '${FORSAKEN}'`,
)
const forgetOld = statement(
  'gc-forget-old',
  `DELETE FROM gc_run WHERE id <= (SELECT id FROM gc_run ORDER BY id DESC OFFSET ${KEPT_RUNS} LIMIT 1)`,
)
const insert = statement<GcRunRow>(
  'gc-insert',
  `INSERT INTO gc_run (phase, delete_untagged, dry_run, forced, workers, window_ms, grace_ms)
   VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING ${COLUMNS}`,
)
const findRunning = statement<{ id: number }>('gc-find-running', `SELECT id FROM gc_run WHERE state = 'running'`)
const find = statement<GcRunRow>('gc-find', `SELECT ${COLUMNS} FROM gc_run WHERE id = $1`)
const take = statement<GcRunRow>(
  'gc-take',
  `UPDATE gc_run SET lease_until = now() + interval '${LEASE}', stepped_at = now()
   WHERE id = $1 AND state = 'running' AND (lease_until IS NULL OR lease_until <= now()) RETURNING ${COLUMNS}`,
)
const release = statement('gc-release', 'UPDATE gc_run SET lease_until = NULL WHERE id = $1')
const setState = statement<GcRunRow>(
  'gc-set-state',
  `UPDATE gc_run SET state = $3, stepped_at = now(), finished_at = CASE WHEN $3 = 'running' THEN NULL ELSE now() END
   WHERE id = $1 AND state = $2 RETURNING ${COLUMNS}`,
)
const advance = statement<GcRunRow>(
  'gc-advance',
  `UPDATE gc_run SET cursor = $2, turn_count = turn_count + $3, stored_bytes = stored_bytes + $4,
     eligible_manifests = eligible_manifests + $5, eligible_blobs = eligible_blobs + $6,
     eligible_bytes = eligible_bytes + $7, purged_manifests = purged_manifests + $8,
     purged_blobs = purged_blobs + $9, freed_bytes = freed_bytes + $10, stepped_at = now()
   WHERE id = $1 AND ($11::bigint IS NULL OR (cursor = $11 AND phase = $12 AND turn = $13)) RETURNING ${COLUMNS}`,
)
const enter = statement<GcRunRow>(
  'gc-enter',
  `UPDATE gc_run SET phase = $2, cursor = 0, turn_count = 0, phase_at = now(),
     turn = CASE WHEN phase = $2 THEN turn + 1 ELSE 0 END,
     state = CASE WHEN $2 = 'done' AND state = 'running' THEN 'finished' ELSE state END,
     finished_at = CASE WHEN $2 = 'done' THEN now() END
   WHERE id = $1 AND phase = $3 AND turn = $4 RETURNING ${COLUMNS}`,
)
const graceLeft = statement<{ ms: number }>(
  'gc-grace-left',
  `SELECT greatest(0, ceil(grace_ms - extract(epoch FROM now() - phase_at) * 1000))::bigint AS ms
   FROM gc_run WHERE id = $1`,
)

export interface GcStore {
  /** @throws {Conflict} another one runs */
  begin(options: GcOptions, times: { windowMs: number; graceMs: number }): Promise<GcRunRow>
  /** @throws {NotFound} */
  get(id: number): Promise<GcRunRow>
  /** Takes the next step in hand; `undefined` when the run is not running, or somebody has a step of it in hand. */
  take(id: number): Promise<GcRunRow | undefined>
  release(id: number): Promise<void>
  stop(id: number): Promise<GcRunRow>
  /** @throws {Conflict} another one runs */
  resume(id: number): Promise<GcRunRow>
  refuse(id: number): Promise<GcRunRow>
  /** Moves on to a phase, unless somebody else has already; a finished run is at `done`. */
  enter(run: GcRunRow, phase: GcPhase): Promise<GcRunRow>
  /** How long the condemned can still be revived, in milliseconds. */
  graceLeft(id: number): Promise<number>
}

/** Somebody else has done the same step; ours counts for nothing. */
export class Overtaken extends Error {
  override name = 'Overtaken'
}

/**
 * Adds to the figures of a run, in the transaction that makes them true.
 *
 * @param options `once`: what was only looked at, and must not be counted by two
 * @throws {Overtaken}
 */
export async function advanceRun(
  tx: Queries,
  run: GcRunRow,
  cursor: number,
  by: GcFigures,
  { once = false } = {},
): Promise<GcRunRow> {
  const row = await tx.find(advance, [
    run.id,
    cursor,
    by.turn_count ?? 0,
    by.stored_bytes ?? 0,
    by.eligible_manifests ?? 0,
    by.eligible_blobs ?? 0,
    by.eligible_bytes ?? 0,
    by.purged_manifests ?? 0,
    by.purged_blobs ?? 0,
    by.freed_bytes ?? 0,
    ...(once ? [run.cursor, run.phase, run.turn] : [null, null, null]),
  ])
  if (row === undefined) throw new Overtaken()
  return row
}

export function gcStore(database: Database): GcStore {
  const get = async (id: number) => {
    const row = await database.find(find, [id])
    if (row === undefined) throw new NotFound(`run ${id} of garbage collection is not known`)
    return row
  }
  const moved = async (id: number, from: GcRunRow['state'], to: GcRunRow['state']) =>
    (await database.find(setState, [id, from, to])) ?? get(id)
  return {
    get,
    async begin({ deleteUntagged, dryRun, force, workers }, { windowMs, graceMs }) {
      await database.run(endForsaken)
      await database.run(forgetOld)
      const phase: GcPhase = deleteUntagged ? 'mark' : 'measure'
      const row = await database.find(insert, [
        phase,
        deleteUntagged,
        dryRun,
        force,
        workers,
        Math.round(windowMs),
        Math.round(graceMs),
      ])
      return row ?? refuseSecond(database)
    },
    take: (id) => database.find(take, [id]),
    release: async (id) => void (await database.run(release, [id])),
    stop: (id) => moved(id, 'running', 'stopped'),
    refuse: (id) => moved(id, 'running', 'refused'),
    async resume(id) {
      await database.run(endForsaken)
      try {
        return await moved(id, 'stopped', 'running')
      } catch (err) {
        if ((err as { constraint?: unknown }).constraint !== 'gc_run_running_key') throw err
        return refuseSecond(database)
      }
    },
    enter: async (run, phase) => (await database.find(enter, [run.id, phase, run.phase, run.turn])) ?? get(run.id),
    graceLeft: async (id) => (await database.find(graceLeft, [id]))?.ms ?? 0,
  }
}

async function refuseSecond(database: Database): Promise<never> {
  const running = await database.find(findRunning)
  throw new Conflict('garbage collection is running already', { detail: { run: running?.id } })
}
