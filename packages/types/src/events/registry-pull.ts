import { z } from 'zod'
import { defineEvent } from '../event.ts'

export const artifactPulled = defineEvent({
  owner: 'registry',
  noun: 'artifact',
  verb: 'pulled',
  summary:
    'A manifest was pulled, so many times in the last seconds by the actor; without one: by nobody in particular',
  data: z.object({
    projectId: z.number().int(),
    /** `library/nginx` */
    repository: z.string(),
    digest: z.string(),
    mediaType: z.string(),
    /** What it was pulled by; absent: by its digest. */
    tag: z.string().optional(),
    /** Pulls since the event before. */
    count: z.number().int().positive(),
    /** Of the last of them. */
    pulledAt: z.iso.datetime(),
  }),
})
