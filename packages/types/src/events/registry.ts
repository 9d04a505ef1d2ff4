import { z } from 'zod'
import { defineEvent } from '../event.ts'

const artifact = {
  projectId: z.number().int(),
  /** `library/nginx` */
  repository: z.string(),
  digest: z.string(),
  mediaType: z.string(),
}

export const artifactPushed = defineEvent({
  owner: 'registry',
  noun: 'artifact',
  verb: 'pushed',
  summary: 'A manifest was put, with or without a tag',
  data: z.object({
    ...artifact,
    /** Of the manifest itself, in bytes. */
    sizeBytes: z.number().int().nonnegative(),
    /** The tags this push set. */
    tags: z.array(z.string()),
    /** Absent as well where it is longer than any media type. */
    artifactType: z.string().max(255).optional(),
    subject: z.string().optional(),
  }),
})

export const artifactDeleted = defineEvent({
  owner: 'registry',
  noun: 'artifact',
  verb: 'deleted',
  summary: 'A manifest was deleted, and its tags with it',
  data: z.object({
    ...artifact,
    /** The first thousand; each further one was told as `tag.deleted` before. */
    tags: z.array(z.string()).max(1_000),
  }),
})

export const tagDeleted = defineEvent({
  owner: 'registry',
  noun: 'tag',
  verb: 'deleted',
  summary: 'A tag was deleted; its artifact stays',
  data: z.object({ ...artifact, tag: z.string() }),
})

export const tagCreated = defineEvent({
  owner: 'registry',
  noun: 'tag',
  verb: 'created',
  summary: 'An artifact that was there got one more tag, without a push',
  data: z.object({ ...artifact, tag: z.string() }),
})
