import { z } from 'zod'
import { defineAsk } from '../ask.ts'
import { ArtifactReference, actor, judgedRepository, listQuery, TagFacts, total } from './registry-shapes.ts'

export const tagList = defineAsk({
  service: 'registry',
  noun: 'tag',
  verb: 'list',
  summary: 'Tags of a repository by name; needs a token with `pull` on it',
  effect: 'read',
  caller: 'person',
  request: z.object({
    repository: z.string().max(255),
    /** Names after this one, in byte order; absent: from the start. */
    last: z.string().max(512).optional(),
    limit: z.number().int().min(1).max(1000).default(100),
  }),
  response: z.object({
    repository: z.string(),
    tags: z.array(
      z.object({
        name: z.string(),
        digest: z.string(),
        mediaType: z.string(),
        /** Of the manifest itself. */
        sizeBytes: z.number().int().nonnegative(),
        pushedAt: z.iso.datetime(),
      }),
    ),
    /** Hand it in as `last` for the page that follows; absent on the last one. */
    next: z.string().optional(),
  }),
})

export const tagSearch = defineAsk({
  service: 'registry',
  noun: 'tag',
  verb: 'search',
  summary: 'A page of the tags of a repository or of one artifact in it, filtered and sorted as Harbor does',
  effect: 'read',
  caller: 'service',
  timeoutMs: 10_000,
  request: z.object({
    ...judgedRepository,
    /** Of this artifact; absent: of the repository. */
    reference: ArtifactReference.optional(),
    ...listQuery,
  }),
  response: z.object({ tags: z.array(TagFacts), total }),
})

export const tagCreate = defineAsk({
  service: 'registry',
  noun: 'tag',
  verb: 'create',
  summary: 'Gives an artifact one more tag; refused (CONFLICT) when the repository has that tag',
  effect: 'write',
  caller: 'service',
  request: z.object({ ...judgedRepository, reference: ArtifactReference, tag: z.string().max(256), actor }),
  response: z.object({ tag: TagFacts }),
})

export const tagDelete = defineAsk({
  service: 'registry',
  noun: 'tag',
  verb: 'delete',
  summary: 'Takes a tag off an artifact, which stays; refused (PRECONDITION) when it is immutable',
  effect: 'write',
  caller: 'service',
  request: z.object({
    ...judgedRepository,
    /** The artifact it must be on; absent: whichever it is on. */
    reference: ArtifactReference.optional(),
    tag: z.string().max(256),
    actor,
  }),
  response: z.object({ deleted: z.literal(true) }),
})
