import type { Logger } from '@berth/runtime'
import { repeat } from '../project/index.ts'
import type { Labels } from './label-service.ts'

const SWEEP_MS = 30_000

/** Sweeps twice a minute until stopped. */
export function startLabelSweep(labels: Pick<Labels, 'sweep'>, log: Logger): { stop(): void } {
  return repeat(
    () => labels.sweep(),
    SWEEP_MS,
    (err) => log.warn('deleted labels wait', { err }),
  )
}
