import { z } from 'zod'
import { defineAsk } from '../ask.ts'

export const modePut = defineAsk({
  service: 'registry',
  noun: 'mode',
  verb: 'put',
  summary:
    'Says whether anything may be changed at all, and whether pulls are recorded and quotas enforced; an older revision is ignored',
  effect: 'write',
  caller: 'service',
  request: z.object({
    /** Pushes, tags, deletions, copies and mounts are refused. */
    readOnly: z.boolean(),
    /** Pulls are told, counted and timed; the next two take of that what is not wanted. */
    recordPulls: z.boolean(),
    /** False: recorded pulls change no count. */
    countPulls: z.boolean().optional(),
    /** False: recorded pulls change no time of the last pull. */
    timePulls: z.boolean().optional(),
    /** False: projects may go beyond their limits. */
    enforceQuotas: z.boolean().optional(),
    /** Raised by every change. */
    revision: z.number().int().nonnegative(),
  }),
  response: z.object({ revision: z.number().int() }),
})
