import type { RequestKind } from './credentials.ts'

/** What an answer tells of the credentials that were shown. */
export type Verdict = 'good' | 'bad' | 'unknown'

/**
 * A service may say it outright in `x-berth-credentials`. Otherwise 401 is a failure; and a success counts as proof
 * only where the service cannot have answered without looking: a page that is open to all proves nothing.
 */
export function verdictOf(kind: RequestKind, status: number, said: string | string[] | undefined): Verdict {
  if (said === 'good' || said === 'bad') return said
  if (status === 401) return 'bad'
  return kind !== 'other' && status >= 200 && status < 300 ? 'good' : 'unknown'
}
