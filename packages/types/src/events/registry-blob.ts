import { z } from 'zod'
import { defineEvent } from '../event.ts'

export const blobCorrupted = defineEvent({
  owner: 'registry',
  noun: 'blob',
  verb: 'corrupted',
  summary: 'Stored bytes were found to be gone or others; reads of them fail until the same digest is pushed again',
  data: z.object({
    digest: z.string(),
    /** `manifest`: the bytes of a manifest itself. */
    kind: z.enum(['blob', 'manifest']),
    /** What it should hold. */
    sizeBytes: z.number().int().nonnegative(),
    reason: z.enum(['missing', 'changed']),
    /** Artifacts that cannot be pulled because of it; at most a hundred. */
    artifacts: z.array(z.object({ projectId: z.number().int(), repository: z.string(), digest: z.string() })).max(100),
  }),
})
