import type { Database } from '@berth/db'
import type { Logger } from '@berth/runtime'
import { correctUsage, listUsage, type ProjectUsage, relink, strayBlobs } from './reconcile-store.ts'

/** A project whose usage was not what its blobs come to. */
interface Drift {
  projectId: number
  project: string
  /** Bytes it was said to use, and uses. */
  wasBytes: number
  usedBytes: number
  /** Blobs that were counted and named by no manifest, or the other way round. */
  links: number
}

export interface ReconcileReport {
  projects: number
  /** The first thousand. */
  drifts: Drift[]
  drifted: number
  /** Sum of what usages were off by. */
  driftBytes: number
}

export interface ReconcileParts {
  database: Database
  log: Logger
  signal?: AbortSignal
  onProgress?: (report: ReconcileReport) => void
}

const SHOWN = 1_000
/** So many batches of links are put right for one project in a round. */
const MAX_BATCHES = 1_000

/**
 * Compares the usage of every project with the distinct blobs its manifests name and puts right what differs. What is
 * right is only read, in one moment, so that no push waits; only a project that is off is held.
 */
export async function reconcile(parts: ReconcileParts): Promise<ReconcileReport> {
  const { database, signal, onProgress } = parts
  const report: ReconcileReport = { projects: 0, drifts: [], drifted: 0, driftBytes: 0 }
  for (let after = 0; ; ) {
    signal?.throwIfAborted()
    const page = await listUsage(database, after)
    for (const project of page) await reconcileOne(parts, project, report)
    const last = page.at(-1)
    if (last === undefined) return report
    report.projects += page.length
    onProgress?.(report)
    after = last.id
  }
}

async function reconcileOne(
  { database, log, signal }: ReconcileParts,
  project: ProjectUsage,
  report: ReconcileReport,
): Promise<void> {
  let links = 0
  for (let batch = 0; batch < MAX_BATCHES; batch++) {
    signal?.throwIfAborted()
    const stray = await strayBlobs(database, project.id)
    const put = stray.length === 0 ? 0 : await relink(database, project.id, stray)
    links += put
    if (put === 0) break
  }
  const isOff = links > 0 || project.used !== project.sum
  const corrected = isOff ? await correctUsage(database, project.id) : undefined
  if (links === 0 && corrected === undefined) return
  const wasBytes = corrected?.was ?? project.used
  const usedBytes = corrected?.used ?? project.used
  const drift = { projectId: project.id, project: project.name, wasBytes, usedBytes, links }
  report.drifted++
  report.driftBytes += Math.abs(usedBytes - wasBytes)
  if (report.drifts.length < SHOWN) report.drifts.push(drift)
  log.warn('the usage of a project was not what its blobs come to, and has been corrected', { ...drift })
}
