import { z } from 'zod'
import { Credentials, GrantedAccess, Identity, Scope } from '../access.ts'
import { defineAsk } from '../ask.ts'
import { RegistryProject } from '../project.ts'

export const accessGrant = defineAsk({
  service: 'core',
  noun: 'access',
  verb: 'grant',
  summary: 'Authenticates credentials and says which of the asked actions they allow',
  effect: 'read',
  caller: 'service',
  request: z.object({
    credentials: Credentials,
    scopes: z.array(Scope).max(100),
    /** Of the client, as the gateway saw it. */
    address: z.string().max(64).optional(),
  }),
  response: z.object({
    identity: Identity,
    /** One entry for each asked scope, in order; `actions` is what is both asked and allowed. */
    access: z.array(GrantedAccess),
    tokenSeconds: z.number().int().positive(),
  }),
})

export const projectResolve = defineAsk({
  service: 'core',
  noun: 'project',
  verb: 'resolve',
  summary: 'What the registry must know of a project it has no row for',
  effect: 'read',
  caller: 'service',
  timeoutMs: 500,
  request: z.object({ name: z.string().max(255) }),
  response: z.object({ project: RegistryProject.nullable() }),
})
