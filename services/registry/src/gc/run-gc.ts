import { setTimeout as sleep } from 'node:timers/promises'
import { DomainError, statusOf } from '@berth/errors'
import type { GcOptions, GcRun } from '@berth/types'
import type { GcStep } from './gc-engine.ts'

const MAX_FAILURES = 8
const FIRST_RETRY_MS = 250

/** How far a run is, and how fast it goes. */
export interface GcProgress extends GcRun {
  /** Of the removal so far: blobs and bytes a second. */
  blobsPerSecond: number
  bytesPerSecond: number
}

export interface GcDrive {
  options: GcOptions
  /** A run that was stopped, to go on with. */
  resume?: number
  onProgress?: (progress: GcProgress) => void
  /** The log of the run, line by line. */
  onLine?: (line: string) => void
  /** Stops the run after the batch in hand; it can be resumed. */
  signal?: AbortSignal
}

/**
 * Drives a whole run: `step` is the engine itself or the ask `gc.sweep`, over which the same run is driven from outside.
 * Resolves when it runs no more; a step that fails is tried again a few times.
 */
export async function runGc(step: GcStep, { options, resume, onProgress, onLine, signal }: GcDrive): Promise<GcRun> {
  let answered = await step(resume === undefined ? { options } : { run: resume, action: 'resume' })
  const rate = rateMeter()
  for (let failures = 0; ; ) {
    const { lines, waitMs, ...run } = answered
    for (const line of lines) onLine?.(line)
    onProgress?.({ ...run, ...rate(run) })
    if (run.state !== 'running') return run
    if (waitMs > 0) await sleep(waitMs, undefined, { signal }).catch(() => undefined)
    try {
      answered = await step({ run: run.run, action: signal?.aborted ? 'stop' : 'step' })
      failures = 0
    } catch (err) {
      if (++failures > MAX_FAILURES || isRefusal(err)) throw err
      await sleep(FIRST_RETRY_MS * 2 ** (failures - 1))
      answered = { ...run, lines: [], waitMs: 0 }
    }
  }
}

/** Asking again would be answered in the same way. */
function isRefusal(err: unknown): boolean {
  return err instanceof DomainError && (err.status ?? statusOf(err.code)) < 500
}

/** Rates count from the first blob that goes. */
function rateMeter(): (run: GcRun) => Pick<GcProgress, 'blobsPerSecond' | 'bytesPerSecond'> {
  let began: { at: number; blobs: number; bytes: number } | undefined
  return ({ phase, purgedBlobs, freedBytes }) => {
    const now = performance.now()
    if (phase === 'blobs') began ??= { at: now, blobs: 0, bytes: 0 }
    if (began === undefined) return { blobsPerSecond: 0, bytesPerSecond: 0 }
    const seconds = Math.max(0.001, (now - began.at) / 1_000)
    return {
      blobsPerSecond: Math.round((purgedBlobs - began.blobs) / seconds),
      bytesPerSecond: Math.round((freedBytes - began.bytes) / seconds),
    }
  }
}
