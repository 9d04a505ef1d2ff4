import { z } from 'zod'
import { defineAsk } from '../ask.ts'

const count = z.number().int().nonnegative()

export const projectTally = defineAsk({
  service: 'registry',
  noun: 'project',
  verb: 'tally',
  summary: 'What each of these projects holds, kind by kind, and how often it was pulled; for metrics',
  effect: 'read',
  caller: 'service',
  timeoutMs: 20_000,
  request: z.object({ ids: z.array(z.number().int().positive()).max(500) }),
  response: z.object({
    /** Those that were ever told about; the others hold nothing. */
    projects: z.array(
      z.object({
        id: z.number().int(),
        repositories: count,
        usedBytes: count,
        pulls: count,
        /** `IMAGE`, `CHART`, …; the twenty kinds there are most of. */
        artifacts: z.array(z.object({ kind: z.string(), count })),
      }),
    ),
  }),
})
