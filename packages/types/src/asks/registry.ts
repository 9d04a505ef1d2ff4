import { z } from 'zod'
import { defineAsk } from '../ask.ts'
import { RegistryProject } from '../project.ts'

export const projectPut = defineAsk({
  service: 'registry',
  noun: 'project',
  verb: 'put',
  summary: 'Puts the policy of a project in force; an older revision is ignored',
  effect: 'write',
  caller: 'service',
  request: z.object({ project: RegistryProject }),
  response: z.object({ revision: z.number().int() }),
})

export const projectClose = defineAsk({
  service: 'registry',
  noun: 'project',
  verb: 'close',
  summary: 'Closes a project to every change; with `requireEmpty` refused (PRECONDITION) while it holds a repository',
  effect: 'write',
  caller: 'service',
  request: z.object({ id: z.number().int().positive(), requireEmpty: z.boolean(), revision: z.number().int() }),
  response: z.object({ closed: z.literal(true) }),
})

export const projectCount = defineAsk({
  service: 'registry',
  noun: 'project',
  verb: 'count',
  summary: 'How much each of these projects holds; projects never pushed to count zero',
  effect: 'read',
  caller: 'service',
  request: z.object({ ids: z.array(z.number().int().positive()).max(100) }),
  response: z.object({
    counts: z.array(
      z.object({
        id: z.number().int(),
        repositories: z.number().int().nonnegative(),
        /** Sum of the distinct blobs of the project, in bytes. */
        usedBytes: z.number().int().nonnegative(),
      }),
    ),
  }),
})

const page = {
  /** Names after this one, in byte order; absent: from the start. */
  last: z.string().max(512).optional(),
  limit: z.number().int().min(1).max(1000).default(100),
}

export const repositoryList = defineAsk({
  service: 'registry',
  noun: 'repository',
  verb: 'list',
  summary: 'Repositories of a project by name; needs a token with `pull` on one of them or an administrator',
  effect: 'read',
  caller: 'person',
  request: z.object({ project: z.string().max(255), ...page }),
  response: z.object({ repositories: z.array(z.object({ name: z.string() })), next: z.string().optional() }),
})

export const tagList = defineAsk({
  service: 'registry',
  noun: 'tag',
  verb: 'list',
  summary: 'Tags of a repository by name; needs a token with `pull` on it',
  effect: 'read',
  caller: 'person',
  request: z.object({ repository: z.string().max(255), ...page }),
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

export const artifactList = defineAsk({
  service: 'registry',
  noun: 'artifact',
  verb: 'list',
  summary: 'Artifacts of a repository by digest, tagged or not; needs a token with `pull` on it',
  effect: 'read',
  caller: 'person',
  request: z.object({
    repository: z.string().max(255),
    /** Digests after this one, in byte order; absent: from the start. */
    last: z.string().max(512).optional(),
    limit: z.number().int().min(1).max(100).default(100),
  }),
  response: z.object({
    repository: z.string(),
    artifacts: z.array(
      z.object({
        digest: z.string(),
        mediaType: z.string(),
        /** What the manifest says of itself, else the media type of its config. */
        artifactType: z.string().optional(),
        /** Digest of the artifact this one is about. */
        subject: z.string().optional(),
        /** Of the manifest itself. */
        sizeBytes: z.number().int().nonnegative(),
        pushedAt: z.iso.datetime(),
        /** The first twenty in byte order; `tagCount` says how many there are. */
        tags: z.array(z.string()),
        tagCount: z.number().int().nonnegative(),
      }),
    ),
    next: z.string().optional(),
  }),
})
