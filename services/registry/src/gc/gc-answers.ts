import { type Answer, answer } from '@berth/messaging'
import { gcSweep } from '@berth/types'
import type { GcStep } from './gc-engine.ts'

/** `svc.registry.v1.gc.sweep`. */
export function gcAnswers(step: GcStep): Answer[] {
  return [answer(gcSweep, step)]
}
