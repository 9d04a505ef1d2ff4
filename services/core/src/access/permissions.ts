import { type Caller, isAdmin, type RobotGrant, type TokenUse } from '../caller/caller.ts'
import { type Column, columnAllows, columnOf } from './permission-matrix.ts'
import type { RoleId } from './role.ts'
import { SYSTEM_PERMISSIONS } from './system-permissions.ts'

/** Answers whether the caller it was made for may do this. */
export type Permits = (resource: string, action: string) => boolean

/** What the caller may do in a project, given the roles they have there. The union of everything that applies. */
export function projectPermits(
  caller: Caller,
  project: { id: number; public: boolean },
  roles: readonly RoleId[],
): Permits {
  const columns: Column[] = isAdminPerson(caller) ? ['projectAdmin'] : roles.map(columnOf)
  return (resource, action) => {
    if (project.public && columnAllows('public', resource, action)) return true
    if (caller.kind === 'robot') return grantsInProject(caller.grants, project.id, resource, action)
    if (!columns.some((column) => columnAllows(column, resource, action))) return false
    const token = tokenOf(caller)
    return token === undefined || grantsInProject(token.grants, project.id, resource, action)
  }
}

/** What the caller may do beside projects. */
export function systemPermits(caller: Caller): Permits {
  return (resource, action) => {
    if (caller.kind === 'robot') return grantsInSystem(caller.grants, resource, action)
    return isAdminPerson(caller) && tokenAllows(caller, resource, action)
  }
}

/** Whether an access token, if that is what the caller came with, lets them do this beside projects. */
export function tokenAllows(caller: Caller, resource: string, action: string): boolean {
  const token = tokenOf(caller)
  return token === undefined || grantsInSystem(token.grants, resource, action)
}

function tokenOf(caller: Caller): TokenUse | undefined {
  return caller.kind === 'user' ? caller.token : undefined
}

function isAdminPerson(caller: Caller): boolean {
  return isAdmin(caller) || tokenOf(caller)?.ownerIsAdmin === true
}

function grantsInProject(grants: readonly RobotGrant[], id: number, resource: string, action: string): boolean {
  return grants.some(
    (grant) =>
      (grant.scope === id || grant.scope === 'every project') && grant.resource === resource && grant.action === action,
  )
}

function grantsInSystem(grants: readonly RobotGrant[], resource: string, action: string): boolean {
  return grants.some((grant) => grant.scope === 'system' && grant.resource === resource && grant.action === action)
}

/** Every pair of resource and action at system level. */
export const SYSTEM_PAIRS: readonly { resource: string; action: string }[] = Object.entries(SYSTEM_PERMISSIONS).flatMap(
  ([resource, actions]) => actions.map((action) => ({ resource, action })),
)
