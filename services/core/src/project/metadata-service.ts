import type { Transaction } from '@berth/db'
import { Conflict, NotFound } from '@berth/errors'
import type { AuditEntry, AuditTrail } from '../audit/index.ts'
import { type Caller, isAdmin } from '../caller/caller.ts'
import { parseOneKey } from './metadata.ts'
import type { PolicyChanges } from './policy-changes.ts'
import { policyStore } from './policy-store.ts'
import type { Project, ProjectRef } from './project.ts'
import type { ProjectDoor } from './project-door.ts'
import { projectStore } from './project-store.ts'

/** The policies of a project, key by key. `public` is one of them, always there; without a value it is `false`. */
export interface Metadata {
  /** All of them: no role has the right to, as in Harbor; administrators do, and robots that were given it. */
  list(caller: Caller, ref: ProjectRef): Promise<Record<string, string>>
  /** @throws {NotFound} the project does not have this key */
  get(caller: Caller, ref: ProjectRef, key: string): Promise<Record<string, string>>
  /** @throws {Conflict} the project has this key */
  add(caller: Caller, ref: ProjectRef, raw: Record<string, string>): Promise<void>
  /** @throws {NotFound} the project does not have this key */
  update(caller: Caller, ref: ProjectRef, key: string, raw: Record<string, string>): Promise<void>
  /** @throws {NotFound} the project does not have this key */
  delete(caller: Caller, ref: ProjectRef, key: string): Promise<void>
}

export function createMetadata(deps: { door: ProjectDoor; policies: PolicyChanges; audit: AuditTrail }): Metadata {
  const { door, policies, audit } = deps

  const change = (
    caller: Caller,
    { id, name }: Project,
    told: { operation: AuditEntry['operation']; key: string; value?: string },
    work: (tx: Transaction) => Promise<unknown>,
    more?: { public?: boolean },
  ) =>
    policies.change(
      caller,
      id,
      async (tx) => {
        await work(tx)
        await audit.record(tx, caller, {
          operation: told.operation,
          resourceType: 'metadata',
          resource: `${name}:${told.key}`,
          projectId: id,
          description: told.value,
        })
      },
      more,
    )

  return {
    async list(caller, ref) {
      const { project } = await door.enter(caller, ref, 'metadata', isAdmin(caller) ? 'read' : 'list')
      return allOf(project)
    },

    async get(caller, ref, key) {
      const { project } = await door.enter(caller, ref, 'metadata', 'read')
      const all = allOf(project)
      if (!Object.hasOwn(all, key)) throw unknownKey(project, key)
      return { [key]: all[key] as string }
    },

    async add(caller, ref, raw) {
      const { project } = await door.enter(caller, ref, 'metadata', 'create')
      const { key, value } = parseOneKey(raw)
      if (key === 'public') throw hasKey(project, key)
      await change(caller, project, { operation: 'create', key, value }, async (tx) => {
        if (!(await policyStore.addMetadata(tx, project.id, key, value))) throw hasKey(project, key)
      })
    },

    async update(caller, ref, name, raw) {
      const { project } = await door.enter(caller, ref, 'metadata', 'update')
      const { key, value } = parseOneKey(Object.hasOwn(raw, name) ? raw : {})
      if (!Object.hasOwn(allOf(project), key)) throw unknownKey(project, key)
      const told = { operation: 'update', key, value } as const
      if (key === 'public') {
        await change(caller, project, told, async () => undefined, { public: value === 'true' })
      } else {
        await change(caller, project, told, (tx) => projectStore.setMetadata(tx, project.id, { [key]: value }))
      }
    },

    async delete(caller, ref, key) {
      const { project } = await door.enter(caller, ref, 'metadata', 'delete')
      const told = { operation: 'delete', key } as const
      if (key === 'public') {
        await change(caller, project, told, async () => undefined, { public: false })
        return
      }
      await change(caller, project, told, async (tx) => {
        if (!(await policyStore.removeMetadata(tx, project.id, key))) throw unknownKey(project, key)
      })
    },
  }
}

function allOf(project: Project): Record<string, string> {
  return { public: String(project.public), ...project.metadata }
}

function unknownKey({ name }: Project, key: string): NotFound {
  return new NotFound(`metadata ${key.slice(0, 64)} of project ${name} not found`)
}

function hasKey({ name }: Project, key: string): Conflict {
  return new Conflict(`project ${name} has the metadata ${key} already`)
}
