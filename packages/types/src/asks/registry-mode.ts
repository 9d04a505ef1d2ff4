import { z } from 'zod'
import { defineAsk } from '../ask.ts'

export const modePut = defineAsk({
  service: 'registry',
  noun: 'mode',
  verb: 'put',
  summary: 'Says whether anything may be changed at all, and whether pulls are recorded; an older revision is ignored',
  effect: 'write',
  caller: 'service',
  request: z.object({
    /** Pushes, tags, deletions, copies and mounts are refused. */
    readOnly: z.boolean(),
    /** Pulls are counted, timed and told. */
    recordPulls: z.boolean(),
    /** Raised by every change. */
    revision: z.number().int().nonnegative(),
  }),
  response: z.object({ revision: z.number().int() }),
})
