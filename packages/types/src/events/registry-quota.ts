import { z } from 'zod'
import { defineEvent } from '../event.ts'

export const quotaWarned = defineEvent({
  owner: 'registry',
  noun: 'quota',
  verb: 'warned',
  summary: 'A push, or a lower limit, took a project from below to over 85 % of what it may hold',
  data: z.object({
    projectId: z.number().int(),
    project: z.string(),
    usedBytes: z.number().int().nonnegative(),
    limitBytes: z.number().int().positive(),
  }),
})
