import type { Queries } from '@berth/db'
import { findRepositoryName, projectOf } from '@berth/oci'
import type { GrantedAccess, Scope } from '@berth/types'
import type { Caller } from '../caller/caller.ts'
import { type Permits, projectPermits, systemPermits } from './permissions.ts'
import { rolesIn } from './role-store.ts'

/** What the registry's actions are called in the matrix. */
const ACTIONS: Record<string, readonly [resource: string, action: string]> = {
  pull: ['repository', 'pull'],
  push: ['repository', 'push'],
  delete: ['artifact', 'delete'],
}

/** A project as far as granting goes. */
interface GrantableProject {
  id: number
  name: string
  public: boolean
  accessRevision: number
}

/** Finds projects by name, all at once; unknown ones are missing. */
type FindProjects = (names: readonly string[]) => Promise<readonly GrantableProject[]>

/**
 * What the caller gets of each scope: what is both asked and allowed. A project that does not exist, a name outside
 * the grammar and one the caller has no business with all give nothing, and look the same.
 */
export async function grantAccess(
  db: Queries,
  findProjects: FindProjects,
  caller: Caller,
  scopes: readonly Scope[],
): Promise<GrantedAccess[]> {
  const names = new Set(scopes.flatMap((scope) => projectNameOf(scope) ?? []))
  const projects = names.size === 0 ? [] : await findProjects([...names])
  const roles = await rolesIn(
    db,
    caller,
    projects.map(({ id }) => id),
  )
  const known = new Map(
    projects.map((project) => [
      project.name,
      { project, permits: projectPermits(caller, project, roles.get(project.id) ?? []) },
    ]),
  )
  return scopes.map((scope) => {
    if (scope.type === 'registry') return grantCatalog(caller, scope)
    const found = known.get(projectNameOf(scope) ?? '')
    const actions = found ? allowed(scope.actions, found.permits) : []
    if (!found || actions.length === 0) return { ...scope, actions: [] }
    return { ...scope, actions, project: found.project.id, rev: found.project.accessRevision }
  })
}

/** `*` asks for everything there is. */
function allowed(asked: readonly string[], permits: Permits): string[] {
  const wanted = asked.includes('*') ? Object.keys(ACTIONS) : [...new Set(asked)]
  return wanted.filter((name) => {
    const pair = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined
    return pair !== undefined && permits(...pair)
  })
}

function grantCatalog(caller: Caller, scope: Scope): GrantedAccess {
  const may = scope.name === 'catalog' && systemPermits(caller)('catalog', 'read')
  return { ...scope, actions: may ? scope.actions.filter((action) => action === '*') : [] }
}

function projectNameOf(scope: Scope): string | undefined {
  if (scope.type !== 'repository' || !scope.name.includes('/')) return undefined
  const name = findRepositoryName(scope.name)
  return name === undefined ? undefined : projectOf(name)
}
