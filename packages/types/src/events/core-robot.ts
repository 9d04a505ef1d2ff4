import { z } from 'zod'
import { defineEvent } from '../event.ts'

export const robotWarned = defineEvent({
  owner: 'core',
  noun: 'robot',
  verb: 'warned',
  summary: 'A robot account ends within a week, or has lived half its time if that is shorter; told once',
  data: z.object({
    id: z.number().int(),
    /** As it signs in: `robot$library+ci`. */
    name: z.string(),
    /** Absent: of level system. */
    projectId: z.number().int().optional(),
    expiresAt: z.iso.datetime(),
  }),
})
