/** What a check is about; each must be passed at least once, and never failed. */
export const SUBJECTS = [
  'ping',
  'blob get',
  'blob head',
  'blob range',
  'blob post alone',
  'blob post and put',
  'blob chunks',
  'blob stream',
  'blob mount',
  'blob mount refused',
  'blob cancel',
  'blob delete',
  'upload session',
  'manifest put',
  'manifest put with tags',
  'manifest get',
  'manifest head',
  'manifest delete',
  'tag delete',
  'tags list',
  'referrers',
  'errors',
] as const

export type Subject = (typeof SUBJECTS)[number]

export interface Failure {
  subject: Subject
  name: string
  reason: string
}

/** Counts checks. A check that throws has failed; the others go on. */
export class Report {
  readonly passed = new Map<Subject, number>()
  readonly failures: Failure[] = []

  /** Returns whether it passed, so that what stands on it need not be tried. */
  async check(subject: Subject, name: string, check: () => Promise<void>): Promise<boolean> {
    try {
      await check()
      this.passed.set(subject, (this.passed.get(subject) ?? 0) + 1)
      return true
    } catch (err) {
      this.failures.push({ subject, name, reason: err instanceof Error ? err.message : String(err) })
      return false
    }
  }

  get passes(): number {
    return [...this.passed.values()].reduce((sum, count) => sum + count, 0)
  }
}
