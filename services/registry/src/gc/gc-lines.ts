import type { GcRunRow } from './gc-run.ts'

const MIB = 1024 * 1024

/** What scripts look for in the log of a run; the texts are Harbor's. */
export const gcLines = {
  begun: (run: GcRunRow): string[] => [
    'start to run gc in job.',
    `Garbage Collection parameters: [delete_untagged: ${run.delete_untagged}, dry_run: ${run.dry_run}, ` +
      `time_window: ${run.window_ms / 3_600_000}, workers: ${run.workers}]`,
  ],
  eligible: (run: GcRunRow): string[] => [
    `${run.eligible_blobs} blobs and ${run.eligible_manifests} manifests eligible for deletion`,
    `The GC could free up ${mebibytes(run.eligible_bytes)} MB space, the size is a rough estimation.`,
  ],
  refused: (run: GcRunRow): string =>
    `this would remove ${mebibytes(run.eligible_bytes)} of ${mebibytes(run.stored_bytes)} MB, over a fifth; ` +
    'nothing was removed, force the run if that is meant',
  deleted: (digest: string): string => `delete blob from storage: ${digest}`,
  kept: (digest: string): string => `failed to delete blob from storage, will be tried again: ${digest}`,
  untagged: (repository: string, digest: string): string => `delete untagged manifest: ${repository}@${digest}`,
  finished: (run: GcRunRow): string[] => [
    `The GC job actual frees up ${mebibytes(run.freed_bytes)} MB space.`,
    'success to run gc in job.',
  ],
}

function mebibytes(bytes: number): number {
  return Math.floor(bytes / MIB)
}
