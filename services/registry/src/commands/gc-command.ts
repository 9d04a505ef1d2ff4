import type { CommandReport, GcRun } from '@berth/types'
import { upkeepSettings } from '../config.ts'
import { collectManifest, type GcProgress, gcEngine, runGc } from '../gc/index.ts'
import { readCount, readOptions } from './arguments.ts'
import { type Command, NotWell } from './command.ts'

const OPTIONS = {
  'delete-untagged': { type: 'boolean', default: false },
  'dry-run': { type: 'boolean', default: false },
  force: { type: 'boolean', default: false },
  workers: { type: 'string' },
  resume: { type: 'string' },
  lines: { type: 'boolean', default: false },
} as const

/** `gc [--delete-untagged] [--dry-run] [--force] [--workers <n>] [--resume <run>] [--lines]` */
export const gcCommand: Command = async (args, { database, storage, env, log, say, signal }) => {
  const values = readOptions(args, OPTIONS)
  const options = {
    deleteUntagged: values['delete-untagged'],
    dryRun: values['dry-run'],
    force: values.force,
    workers: readCount('workers', values.workers, 1, 10) ?? 1,
  }
  const resume = readCount('resume', values.resume, 1, Number.MAX_SAFE_INTEGER)
  // The relay of a running registry finds the events of what goes by itself.
  const deleteUntagged = collectManifest({ database, onChange: () => undefined, log })
  const step = gcEngine({ ...upkeepSettings(env).gc, database, storage, deleteUntagged })
  const run = await runGc(step, {
    options,
    resume,
    signal,
    onProgress: (progress) => say(toProgress(progress)),
    ...(values.lines && { onLine: (line: string) => void process.stderr.write(`${line}\n`) }),
  })
  const report = toReport(run)
  if (run.state === 'finished') return report
  const why =
    run.state === 'refused'
      ? 'it would remove over a fifth of what is stored: --force if that is meant'
      : `stopped; go on with --resume ${run.run}`
  throw new NotWell(why, report)
}

function toProgress({ phase, eligibleBlobs, purgedBlobs, purgedManifests, freedBytes, eligibleManifests }: GcProgress) {
  const isRemoving = phase === 'blobs' || phase === 'bytes' || phase === 'done'
  return {
    step: `garbage collection: ${phase}`,
    done: isRemoving ? purgedBlobs : 0,
    ...(isRemoving && { total: Math.max(purgedBlobs, eligibleBlobs) }),
    unit: 'blobs',
    counts: { eligibleBlobs, eligibleManifests, purgedManifests, freedBytes },
  }
}

function toReport(run: GcRun): CommandReport {
  const { state, storedBytes, eligibleManifests, eligibleBlobs, eligibleBytes } = run
  const { purgedManifests, purgedBlobs, freedBytes, options } = run
  return {
    figures: {
      run: run.run,
      state,
      dryRun: options.dryRun,
      storedBytes,
      eligibleManifests,
      eligibleBlobs,
      eligibleBytes,
      purgedManifests,
      purgedBlobs,
      freedBytes,
    },
    findings: [],
    remarks: [],
  }
}
