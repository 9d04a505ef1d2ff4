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
