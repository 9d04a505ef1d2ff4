import { projectPermits, ROLES, systemPermits } from '../access/index.ts'
import type { Caller, RobotGrant } from '../caller/caller.ts'
import type { AuditScope } from './audit-store.ts'

const SOMEBODY: Caller = { kind: 'user', id: 0, name: '', admin: false }

/** The roles whose people may read the log of their project. */
const READING_ROLES = ROLES.map(({ id }) => id).filter((id) =>
  projectPermits(SOMEBODY, { id: 0, public: false }, [id])('log', 'list'),
)

/** Whose entries this caller may see: all with `audit-log:list`, else those of the projects they may read the log of. */
export function scopeOf(caller: Caller): AuditScope {
  if (systemPermits(caller)('audit-log', 'list')) return { kind: 'all' }
  if (caller.kind === 'anonymous') return { kind: 'none' }
  if (caller.kind === 'robot') return scopeOfGrants(caller.grants)
  const byRoles = { kind: 'roles', userId: caller.id, roles: READING_ROLES } as const
  if (caller.token === undefined) return byRoles
  const byToken = scopeOfGrants(caller.token.grants)
  if (caller.token.ownerIsAdmin || byToken.kind === 'none') return byToken
  return byToken.kind === 'some' ? { ...byRoles, ids: byToken.ids } : byRoles
}

function scopeOfGrants(grants: readonly RobotGrant[]): Extract<AuditScope, { kind: 'none' | 'projects' | 'some' }> {
  const scopes = grants
    .filter(({ resource, action }) => resource === 'log' && action === 'list')
    .map((one) => one.scope)
  if (scopes.includes('every project')) return { kind: 'projects' }
  const ids = scopes.filter((scope) => typeof scope === 'number')
  return ids.length === 0 ? { kind: 'none' } : { kind: 'some', ids }
}
