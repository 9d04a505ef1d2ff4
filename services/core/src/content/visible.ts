import type { Queries } from '@berth/db'
import type { VisibleProjects } from '@berth/types'
import { type Caller, isAdmin, type RobotGrant } from '../caller/caller.ts'
import { projectStore } from '../project/index.ts'
import type { Right } from './judge.ts'

/** Of somebody's own projects so many are looked into; whoever has more is an administrator in all but name. */
const MAX_OWN = 10_000

/**
 * The projects in which the caller may do this, which every role and the public may: all, or the public ones and their
 * own. One statement.
 */
export async function visibleProjects(db: Queries, caller: Caller, right: Right): Promise<VisibleProjects> {
  if (isAdmin(caller)) return { kind: 'all' }
  if (caller.kind === 'anonymous') return some([])
  if (caller.kind === 'robot') return granted(caller.grants, right)
  const { token } = caller
  const grants = token && granted(token.grants, right)
  if (token?.ownerIsAdmin && grants) return grants
  const own = await projectStore.idsOfMember(db, caller.id)
  if (grants?.kind !== 'some') return some(own)
  const among = new Set(grants.ids)
  return some(own.filter((id) => among.has(id)))
}

function granted(grants: readonly RobotGrant[], [resource, action]: Right): VisibleProjects {
  const scopes = grants.filter((grant) => grant.resource === resource && grant.action === action)
  if (scopes.some(({ scope }) => scope === 'every project')) return { kind: 'all' }
  return some(scopes.flatMap(({ scope }) => (typeof scope === 'number' ? [scope] : [])))
}

function some(ids: readonly number[]): VisibleProjects {
  return { kind: 'some', ids: [...new Set(ids)].slice(0, MAX_OWN), publicToo: true }
}
