import type { Queries } from '@berth/db'
import { NotFound } from '@berth/errors'
import { type Permits, projectPermits, type RoleId, refusal } from '../access/index.ts'
import { type Caller, isAdmin } from '../caller/caller.ts'
import { type Project, type ProjectRef, parseProjectRef } from './project.ts'
import { projectStore } from './project-store.ts'

/** A project somebody may do something in, and what else they may. */
export interface Entered {
  project: Project
  roles: readonly RoleId[]
  permits: Permits
}

export interface ProjectDoor {
  /**
   * Lets the caller in for one action. A project that does not exist is told from one that is not the caller's by
   * administrators only.
   *
   * @throws {Unauthorized | Forbidden} not allowed, or no such project
   * @throws {NotFound} no such project, and the caller is an administrator
   */
  enter(caller: Caller, ref: ProjectRef, resource: string, action: string): Promise<Entered>
}

export function createProjectDoor(db: Queries): ProjectDoor {
  const entered = projectStore.enteredLookup(db)

  async function find(caller: Caller, ref: ProjectRef): Promise<Pick<Entered, 'project' | 'roles'> | undefined> {
    if (caller.kind === 'user') return entered(ref, caller.id)
    const project = await projectStore.find(db, ref)
    return project && { project, roles: [] }
  }

  return {
    async enter(caller, ref, resource, action) {
      const found = await find(caller, ref)
      if (!found) throw isAdmin(caller) ? projectNotFound(ref) : refusal(caller)
      const { project, roles } = found
      const permits = projectPermits(caller, project, roles)
      if (!permits(resource, action)) throw refusal(caller)
      return { project, roles, permits }
    },
  }
}

function projectNotFound(ref: ProjectRef): NotFound {
  return new NotFound(`project ${'id' in ref ? ref.id : ref.name} not found`)
}

/** The project a request's path names. */
export function projectRefOf(req: { params: Record<string, unknown>; headers: Record<string, unknown> }): ProjectRef {
  const forced = /^(?:true|1)$/i.test(String(req.headers['x-is-resource-name'] ?? ''))
  return parseProjectRef(String(req.params.project_name_or_id), forced)
}
