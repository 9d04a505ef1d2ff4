import type { Queries } from '@berth/db'
import { Unauthorized } from '@berth/errors'
import type { Logger } from '@berth/runtime'
import type { BasicSignIn } from '../caller/basic-sign-in.ts'
import { ANONYMOUS, type Caller } from '../caller/caller.ts'
import type { AuditTrail } from './audit-trail.ts'

const MAX_NAME = 255

/**
 * The same sign-in, which also records who could not. A name nobody has is left out: people type their password into
 * the wrong field. Nobody waits for the record, so that it tells nothing by its time.
 */
export function recordFailedSignIns(
  basic: BasicSignIn,
  deps: { db: Queries; audit: AuditTrail; log: Logger; isKnown: (username: string) => Promise<boolean> },
): BasicSignIn {
  const { db, audit, log, isKnown } = deps

  async function record(username: string): Promise<void> {
    const known =
      username !== '' && username.length <= MAX_NAME && !username.includes('\0') && (await isKnown(username))
    const caller: Caller = known ? { kind: 'user', id: 0, name: username, admin: false } : ANONYMOUS
    const entry = { operation: 'login', resourceType: 'user', resource: known ? username : 'an unknown name' } as const
    await audit.recordResult(db, caller, { ...entry, description: 'wrong credentials', succeeded: false })
  }

  return {
    async signIn(username, ...rest) {
      try {
        return await basic.signIn(username, ...rest)
      } catch (err) {
        if (err instanceof Unauthorized) {
          record(username).catch((err) => log.error('a failed sign-in is missing from the audit log', { err }))
        }
        throw err
      }
    },
  }
}
