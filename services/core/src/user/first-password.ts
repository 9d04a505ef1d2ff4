import { unlink } from 'node:fs/promises'
import type { Queries } from '@berth/db'
import { type Logger, SettingInvalid } from '@berth/runtime'
import type { PasswordHasher } from '../caller/password.ts'
import { ADMIN_ID, satisfiesPasswordRule } from './user.ts'
import { userStore } from './user-store.ts'

/**
 * Gives the admin the password of the settings while none is stored; afterwards the setting says nothing any more.
 *
 * @throws {SettingInvalid} it would be used and does not satisfy the password rule
 */
export async function setFirstPassword(
  db: Queries,
  hasher: PasswordHasher,
  password: string | undefined,
  log: Logger,
): Promise<void> {
  const admin = await userStore.accountById(db, ADMIN_ID)
  if (!admin || admin.passwordHash !== null) return
  if (password === undefined) {
    log.warn('nobody can sign in yet: BERTH_ADMIN_PASSWORD is not set and the admin has no password')
    return
  }
  if (!satisfiesPasswordRule(password)) {
    throw new SettingInvalid(
      'BERTH_ADMIN_PASSWORD: must have 8 to 128 characters, an upper-case and a lower-case letter and a digit',
    )
  }
  if (await userStore.setFirstPassword(db, ADMIN_ID, await hasher.hash(password))) log.info('the admin has a password')
}

/** Takes the file away that shows the made-up password, once that is no longer the password. */
export async function forgetShownPassword(file: string | undefined, log: Logger): Promise<void> {
  if (file === undefined) return
  try {
    await unlink(file)
    log.info('removed the file with the first admin password')
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== 'ENOENT') {
      log.warn('cannot remove the file with the first admin password', { err })
    }
  }
}
