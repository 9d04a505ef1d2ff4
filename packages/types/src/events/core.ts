import { z } from 'zod'
import { defineEvent } from '../event.ts'
import { RegistryProject } from '../project.ts'

const data = z.object({ project: RegistryProject })

export const projectCreated = defineEvent({
  owner: 'core',
  noun: 'project',
  verb: 'created',
  summary: 'A project was made',
  data,
})
export const projectUpdated = defineEvent({
  owner: 'core',
  noun: 'project',
  verb: 'updated',
  summary: 'The policy of a project changed, or who may do what in it',
  data,
})
export const projectDeleted = defineEvent({
  owner: 'core',
  noun: 'project',
  verb: 'deleted',
  summary: 'A project is gone',
  data,
})
