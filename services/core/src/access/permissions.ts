import type { Caller } from '../caller/caller.ts'
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
  const columns: Column[] = [...roles.map(columnOf), ...(project.public ? ['public' as const] : [])]
  return (resource, action) => {
    if (caller.kind === 'user' && caller.admin) return columnAllows('projectAdmin', resource, action)
    if (columns.some((column) => columnAllows(column, resource, action))) return true
    if (caller.kind !== 'robot') return false
    return caller.grants.some(
      (grant) =>
        (grant.scope === project.id || grant.scope === 'every project') &&
        grant.resource === resource &&
        grant.action === action,
    )
  }
}

/** What the caller may do beside projects. */
export function systemPermits(caller: Caller): Permits {
  return (resource, action) => {
    if (caller.kind === 'user') return caller.admin
    if (caller.kind !== 'robot') return false
    return caller.grants.some(
      (grant) => grant.scope === 'system' && grant.resource === resource && grant.action === action,
    )
  }
}

/** Every pair of resource and action at system level. */
export const SYSTEM_PAIRS: readonly { resource: string; action: string }[] = Object.entries(SYSTEM_PERMISSIONS).flatMap(
  ([resource, actions]) => actions.map((action) => ({ resource, action })),
)
