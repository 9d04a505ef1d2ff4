import type { Identity } from '@berth/types'

/** One thing a robot account may do. */
export interface RobotGrant {
  /** `system`, every project, or the one with this id. */
  scope: 'system' | 'every project' | number
  resource: string
  action: string
}

/** What every caller has. */
interface Origin {
  /** Of the client, as the gateway saw it. */
  address?: string
}

/** The access token a person came with. */
export interface TokenUse {
  id: number
  grants: readonly RobotGrant[]
  /** Whether the person is an administrator. */
  ownerIsAdmin: boolean
  expiresAt: Date
}

export interface UserCaller extends Origin {
  kind: 'user'
  id: number
  name: string
  /** By their own flag or by a group; never with an access token. */
  admin: boolean
  /** Of the account as its password was checked: a session begins only while that is still so. */
  authRevision?: number
  /** SHA-256 of the session id, when the caller came with a session. */
  session?: Buffer
  /** They may only what both they themselves and the token may. */
  token?: TokenUse
}

export interface RobotCaller extends Origin {
  kind: 'robot'
  id: number
  /** As it signs in: `robot$library+ci`. */
  name: string
  level: 'system' | 'project'
  grants: readonly RobotGrant[]
}

/** Who a request comes from. */
export type Caller = ({ kind: 'anonymous' } & Origin) | UserCaller | RobotCaller

export const ANONYMOUS: Caller = { kind: 'anonymous' }

export function isAdmin(caller: Caller): boolean {
  return caller.kind === 'user' && caller.admin
}

/** The name an event or a log line has for the caller. */
export function actorOf(caller: Caller): string | undefined {
  return caller.kind === 'anonymous' ? undefined : caller.name
}

export function identityOf(caller: Caller): Identity {
  if (caller.kind === 'anonymous') return { kind: 'anonymous', name: '', id: 0, admin: false }
  return { kind: caller.kind, name: caller.name, id: caller.id, admin: isAdmin(caller) }
}
