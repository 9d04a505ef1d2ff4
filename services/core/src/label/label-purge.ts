import type { Bus } from '@berth/messaging'
import { labelPurge } from '@berth/types'

/** A step takes some seconds; what is left after these the sweep goes on with. */
const MAX_STEPS = 4

/** Takes a label that is deleted off artifacts; false: some may still have it. */
export type PurgeLabel = (id: number) => Promise<boolean>

export function createPurgeLabel(bus: Pick<Bus, 'ask'>): PurgeLabel {
  return async (id) => {
    for (let step = 0; step < MAX_STEPS; step++) {
      if ((await bus.ask(labelPurge, { labelId: id })).done) return true
    }
    return false
  }
}
