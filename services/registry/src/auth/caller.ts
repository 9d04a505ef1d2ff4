import { type Claims, findAccess } from '@berth/access'
import type { RepositoryName } from '@berth/oci'
import type { GrantedAccess, Identity } from '@berth/types'

export type Action = 'pull' | 'push' | 'delete'

/** One action on one repository. */
export interface Need {
  readonly name: RepositoryName
  readonly action: Action
}

/** What allows it: the project it was allowed in, and the access revision it was judged by. */
export interface Grant {
  readonly need: Need
  readonly project: number
  readonly rev: number
}

/** Whoever a request is made by. */
export interface Caller {
  /** `user:3`, `robot:7`, `anonymous:0`: what an upload session is bound to. */
  readonly subject: string
  /** For events; absent for nobody. */
  readonly name?: string
  readonly isAnonymous: boolean
  /** Whether the names of all repositories are open to them. */
  readonly seesCatalog: boolean
  /** What allows `action` on exactly this repository, if anything does. */
  findGrant(name: RepositoryName, action: Action): Grant | undefined
}

export function callerOfClaims(claims: Claims): Caller {
  const { who, sub } = claims
  return {
    subject: who ? `${who.kind}:${who.id}` : 'anonymous:0',
    ...(who && { name: sub }),
    isAnonymous: who === undefined,
    seesCatalog: claims.admin === true || mayList(claims.access),
    findGrant: (name, action) => grantIn(claims.access, name, action),
  }
}

export function callerOfIdentity(identity: Identity, access: readonly GrantedAccess[]): Caller {
  const isAnonymous = identity.kind === 'anonymous'
  return {
    subject: `${identity.kind}:${identity.id}`,
    ...(!isAnonymous && { name: identity.name }),
    isAnonymous,
    seesCatalog: identity.admin || mayList(access),
    findGrant: (name, action) => grantIn(access, name, action),
  }
}

function mayList(access: readonly GrantedAccess[]): boolean {
  return findAccess({ access: access as GrantedAccess[] }, 'registry', 'catalog', '*') !== undefined
}

/** An entry that names no project allows nothing: it could not be taken back. */
function grantIn(access: readonly GrantedAccess[], name: RepositoryName, action: Action): Grant | undefined {
  const entry = findAccess({ access: access as GrantedAccess[] }, 'repository', name, action)
  if (entry?.project === undefined || entry.rev === undefined) return undefined
  return { need: { name, action }, project: entry.project, rev: entry.rev }
}
