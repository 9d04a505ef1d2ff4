import { randomBytes } from 'node:crypto'
import type { NatsAccount } from '@berth/embedded'
import { NATS_USERS, natsPermissions } from '@berth/types'

/** Every user of a suite with the permissions it has there, for `throwAwayNats({ users })`. */
export function suiteAccounts(): NatsAccount[] {
  return NATS_USERS.map((user) => ({
    user,
    pass: randomBytes(18).toString('base64url'),
    permissions: natsPermissions(user),
  }))
}
