import { z } from 'zod'
import { defineAsk } from '../ask.ts'
import { actor, judgedRepository, listQuery, RepositoryFacts, total, VisibleProjects } from './registry-shapes.ts'

export const repositoryList = defineAsk({
  service: 'registry',
  noun: 'repository',
  verb: 'list',
  summary: 'Repositories of a project by name; needs a token with `pull` on one of them or an administrator',
  effect: 'read',
  caller: 'person',
  request: z.object({
    project: z.string().max(255),
    /** Names after this one, in byte order; absent: from the start. */
    last: z.string().max(512).optional(),
    limit: z.number().int().min(1).max(1000).default(100),
  }),
  response: z.object({ repositories: z.array(z.object({ name: z.string() })), next: z.string().optional() }),
})

export const repositorySearch = defineAsk({
  service: 'registry',
  noun: 'repository',
  verb: 'search',
  summary: 'A page of the repositories of one project, of several or of all, filtered and sorted as Harbor does',
  effect: 'read',
  caller: 'service',
  timeoutMs: 10_000,
  request: z.object({
    projects: VisibleProjects,
    ...listQuery,
    /** By name, after this one, whatever `sort` and `page` say; the first page is after ''. */
    after: z.string().max(300).optional(),
  }),
  response: z.object({ repositories: z.array(RepositoryFacts), total, next: z.string().optional() }),
})

export const repositoryGet = defineAsk({
  service: 'registry',
  noun: 'repository',
  verb: 'get',
  summary: 'One repository',
  effect: 'read',
  caller: 'service',
  request: z.object({ ...judgedRepository }),
  response: z.object({ repository: RepositoryFacts }),
})

export const repositoryUpdate = defineAsk({
  service: 'registry',
  noun: 'repository',
  verb: 'update',
  summary: 'Changes the description of a repository',
  effect: 'write',
  caller: 'service',
  request: z.object({ ...judgedRepository, description: z.string().max(65_536) }),
  response: z.object({ repository: RepositoryFacts }),
})

export const repositoryDelete = defineAsk({
  service: 'registry',
  noun: 'repository',
  verb: 'delete',
  summary:
    'Deletes a repository with all its artifacts, some seconds of it at a time: ask again until `done`. ' +
    'Refused (PRECONDITION) before anything is deleted while a tag is immutable',
  effect: 'write',
  caller: 'service',
  timeoutMs: 20_000,
  request: z.object({ ...judgedRepository, actor }),
  response: z.object({ deletedArtifacts: z.number().int().nonnegative(), done: z.boolean() }),
})

export const statisticsCount = defineAsk({
  service: 'registry',
  noun: 'statistics',
  verb: 'count',
  summary: 'How many repositories there are in public projects and in these, and what all projects use together',
  effect: 'read',
  caller: 'service',
  timeoutMs: 10_000,
  request: z.object({ projects: VisibleProjects }),
  response: z.object({
    publicRepositories: total,
    /** In those of the projects asked about that are not public. */
    privateRepositories: total,
    /** Sum of the distinct blobs, each counted once however many projects use it. */
    storedBytes: z.number().int().nonnegative(),
  }),
})

export const projectUsage = defineAsk({
  service: 'registry',
  noun: 'project',
  verb: 'usage',
  summary: 'A page of projects by what they use and what they may use',
  effect: 'read',
  caller: 'service',
  request: z.object({
    ids: z.array(z.number().int().positive()).max(10_000).optional(),
    /** `used`, `-used`, `limit`, `-limit`; else by id. */
    sort: z.string().max(64).optional(),
    page: listQuery.page,
    pageSize: listQuery.pageSize,
  }),
  response: z.object({
    projects: z.array(
      z.object({
        id: z.number().int(),
        usedBytes: z.number().int().nonnegative(),
        /** -1 is without limit. */
        limitBytes: z.number().int(),
      }),
    ),
    total,
  }),
})
