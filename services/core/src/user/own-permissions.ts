import type { Queries } from '@berth/db'
import {
  type Permits,
  PROJECT_PERMISSIONS,
  projectPermits,
  requireSignedIn,
  rolesIn,
  SYSTEM_PAIRS,
  systemPermits,
} from '../access/index.ts'
import type { Caller } from '../caller/caller.ts'
import { projectStore } from '../project/index.ts'

interface PermissionBody {
  resource: string
  action: string
}

/** Answers what the caller may do in a scope; a project they may nothing in looks like none. */
export type OwnPermissions = (caller: Caller, query: { scope: string; relative: boolean }) => Promise<PermissionBody[]>

export function createOwnPermissions(db: Queries): OwnPermissions {
  return async (caller, { scope, relative }) => {
    requireSignedIn(caller)
    if (scope === '/system') return named(SYSTEM_PAIRS, systemPermits(caller), scope, relative)
    const id = Number(/^\/project\/(\d{1,15})$/.exec(scope)?.[1])
    const project = Number.isNaN(id) ? undefined : await projectStore.find(db, { id })
    if (!project) return []
    const roles = (await rolesIn(db, caller, [id])).get(id) ?? []
    return named(PROJECT_PERMISSIONS, projectPermits(caller, project, roles), scope, relative, 'project')
  }
}

/** `self` is the resource that is the scope itself. */
function named(
  pairs: readonly PermissionBody[],
  permits: Permits,
  scope: string,
  relative: boolean,
  self?: string,
): PermissionBody[] {
  return pairs
    .filter(({ resource, action }) => permits(resource, action))
    .map(({ resource, action }) => {
      if (resource === self) return { resource: relative ? '.' : scope, action }
      return { resource: relative ? resource : `${scope}/${resource}`, action }
    })
}
