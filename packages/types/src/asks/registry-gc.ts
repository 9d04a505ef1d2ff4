import { z } from 'zod'
import { defineAsk } from '../ask.ts'

const count = z.number().int().nonnegative()

/** What a run of garbage collection is asked to do. */
export const GcOptions = z.object({
  /** Manifests without a tag go too, with their accessories, unless an index or something alive holds them. */
  deleteUntagged: z.boolean().default(false),
  /** Only finds out what would go. */
  dryRun: z.boolean().default(false),
  /** How many removals from the storage, or deletions of manifests, are under way at a time. */
  workers: z.number().int().min(1).max(10).default(1),
  /** Goes on although over a fifth of what is stored, and more than 10 GiB, would go. */
  force: z.boolean().default(false),
})
export type GcOptions = z.output<typeof GcOptions>

/** In the order a run goes through them; a dry run ends after `measure`. */
export const GC_PHASES = ['mark', 'measure', 'manifests', 'condemn', 'grace', 'blobs', 'bytes', 'done'] as const

/** How far a run is. */
export const GcRun = z.object({
  run: z.number().int().positive(),
  /** `refused`: it would remove so much that it must be forced. */
  state: z.enum(['running', 'stopped', 'refused', 'finished']),
  phase: z.enum(GC_PHASES),
  options: GcOptions,
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime().optional(),
  /** Bytes of all blobs when the run looked. */
  storedBytes: count,
  eligibleManifests: count,
  eligibleBlobs: count,
  eligibleBytes: count,
  purgedManifests: count,
  purgedBlobs: count,
  /** Of the purged blobs; all of them are gone when the run is finished. */
  freedBytes: count,
})
export type GcRun = z.output<typeof GcRun>

export const GcSweepResponse = GcRun.extend({
  /** Ask again after this long, in milliseconds; 0 once it runs no more. */
  waitMs: count,
  /** What this step has to say, one line each. */
  lines: z.array(z.string()),
})
export type GcSweepResponse = z.output<typeof GcSweepResponse>

/**
 * One bounded step of garbage collection. Whoever wants a run asks again until its state is no longer `running`; asking
 * a step twice does no harm.
 */
export const gcSweep = defineAsk({
  service: 'registry',
  noun: 'gc',
  verb: 'sweep',
  summary:
    'Does the next bounded step of a run of garbage collection, begins a run (CONFLICT while one runs) or stops it',
  effect: 'write',
  caller: 'service',
  timeoutMs: 30_000,
  request: z.object({
    /** Absent: begin a run. */
    run: z.number().int().positive().optional(),
    /** What the run is to do; taken when it begins. */
    options: GcOptions.optional(),
    /** `resume` goes on with a run that was stopped. */
    action: z.enum(['step', 'stop', 'resume']).default('step'),
  }),
  response: GcSweepResponse,
})
