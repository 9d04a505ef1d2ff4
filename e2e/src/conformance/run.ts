import type { Person } from '../api.ts'
import { checkBlobs, type Place } from './blobs.ts'
import { dataSets } from './data-sets.ts'
import { checkErrors } from './errors.ts'
import { checkDataSet } from './manifests.ts'
import { Report } from './report.ts'
import { Wire } from './wire.ts'

export interface Run {
  base: string
  person: Person
  repository: string
  other: string
  profile: 'stable' | 'dev'
}

/**
 * Goes through the distribution API as its official program does: all forms of blobs for two algorithms, all kinds of
 * content from push to deletion, and what is refused. These are checks of our own, counted by our own measure.
 *
 * @see distribution-spec, `conformance/`
 */
export async function runConformance(run: Run): Promise<Report> {
  const report = new Report()
  const { repository, other, profile } = run
  const place: Place = { wire: new Wire(run.base, run.person), report, repository, other, profile }
  for (const algorithm of ['sha256', 'sha512'] as const) await checkBlobs(place, algorithm)
  for (const set of dataSets(profile)) await checkDataSet(place, set)
  await checkErrors(place)
  return report
}
