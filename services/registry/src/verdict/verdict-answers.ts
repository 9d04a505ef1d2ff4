import type { Database } from '@berth/db'
import { type Answer, answer } from '@berth/messaging'
import { verdictSet } from '@berth/types'
import { setVerdict } from './verdict-store.ts'

/** `svc.registry.v1.verdict.set`, for core, who keeps the reports. */
export function verdictAnswers(database: Database): Answer[] {
  return [answer(verdictSet, async (request) => ({ revision: await setVerdict(database, request) }))]
}
