import { Forbidden, Unauthorized } from '@berth/errors'
import type { Caller, UserCaller } from '../caller/caller.ts'
import { systemPermits } from './permissions.ts'

/** What somebody gets who may not: 401 before signing in, 403 after; the same whether the thing exists or not. */
export function refusal(caller: Caller): Unauthorized | Forbidden {
  return caller.kind === 'anonymous' ? new Unauthorized('unauthorized') : new Forbidden('forbidden')
}

/** @throws {Unauthorized} the caller has not signed in */
export function requireSignedIn(caller: Caller): asserts caller is Exclude<Caller, { kind: 'anonymous' }> {
  if (caller.kind === 'anonymous') throw refusal(caller)
}

/** @throws {Unauthorized | Forbidden} the caller is not an administrator who is a person */
export function requireAdmin(caller: Caller): asserts caller is UserCaller {
  if (caller.kind !== 'user' || !caller.admin) throw refusal(caller)
}

/**
 * For what is a person's own business and would make more of an access token than it is.
 *
 * @throws {Unauthorized | Forbidden} the caller is not a person who signed in as such
 */
export function requirePerson(caller: Caller): asserts caller is UserCaller {
  if (caller.kind === 'anonymous') throw refusal(caller)
  if (caller.kind === 'robot') throw new Forbidden('robot accounts cannot do this')
  if (caller.token) throw new Forbidden('an access token cannot do this')
}

/** @throws {Unauthorized | Forbidden} the caller may not do this at system level */
export function requireSystem(caller: Caller, resource: string, action: string): void {
  if (!systemPermits(caller)(resource, action)) throw refusal(caller)
}
