import type { Database } from '@berth/db'
import { Unauthorized } from '@berth/errors'
import type { AuditTrail } from '../audit/index.ts'
import type { UserCaller } from '../caller/caller.ts'
import type { Settings } from '../setting/settings.ts'
import { sessionStore } from './session-store.ts'

/** A session is extended once this much of its time is gone, not with every request. */
const RENEW_AFTER_SECONDS = 60

export interface SessionSignIn {
  /** Whose session this is, if it still lives; asking extends it unless `renewal` is false. */
  find(sid: string, options: { renewal: boolean }): Promise<UserCaller | undefined>
  /**
   * A new session; the one the browser had before ends.
   *
   * @throws {Unauthorized} meanwhile the user was deleted, or the password they came with was changed
   */
  begin(caller: UserCaller, previous: string | undefined): Promise<string>
  end(caller: UserCaller): Promise<void>
}

export function createSessionSignIn(db: Database, settings: Settings, audit: AuditTrail): SessionSignIn {
  const entryOf = (operation: 'login' | 'logout', { name }: UserCaller) =>
    ({ operation, resourceType: 'user', resource: name }) as const
  const ttlSeconds = () => settings.get('session_timeout') * 60
  return {
    async find(sid, { renewal }) {
      const found = await sessionStore.find(db, sid)
      if (!found) return undefined
      const { caller, remainingSeconds } = found
      if (renewal && caller.session && remainingSeconds < ttlSeconds() - RENEW_AFTER_SECONDS) {
        await sessionStore.renew(db, caller.session, ttlSeconds())
      }
      return caller
    },
    async begin(caller, previous) {
      const old = previous === undefined ? undefined : await sessionStore.find(db, previous)
      return db.transaction(async (tx) => {
        if (old?.caller.session) await sessionStore.remove(tx, old.caller.session)
        await audit.record(tx, caller, entryOf('login', caller))
        const sid = await sessionStore.create(tx, caller, ttlSeconds())
        if (sid === undefined) throw new Unauthorized('invalid user name or password')
        return sid
      })
    },
    async end(caller) {
      const { session } = caller
      if (session === undefined) return
      await db.transaction(async (tx) => {
        await sessionStore.remove(tx, session)
        await audit.record(tx, caller, entryOf('logout', caller))
      })
    },
  }
}
