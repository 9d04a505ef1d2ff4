import { type Database, isUniqueViolation, type Page, type Transaction } from '@berth/db'
import { BadRequest, Conflict, Forbidden, NotFound, PreconditionFailed } from '@berth/errors'
import { refusal, requireAdmin, requireSignedIn, requireSystem, systemPermits } from '../access/index.ts'
import { type Caller, isAdmin, type UserCaller } from '../caller/caller.ts'
import type { PasswordHasher } from '../caller/password.ts'
import type { AccessChanges } from '../project/index.ts'
import { sessionStore } from '../session/session-store.ts'
import { ADMIN_ID, isReservedName, parseNewPassword, parseProfile, parseUsername, type User } from './user.ts'
import { userStore } from './user-store.ts'

interface ProfileRequest {
  email?: string
  realname?: string
  comment?: string
}

/** The use cases of users; each decides whether its caller may. */
export interface Users {
  list(caller: Caller, query: { q?: string; sort?: string }, page: Page): Promise<{ users: User[]; total: number }>
  search(caller: Caller, username: string, page: Page): Promise<{ users: User[]; total: number }>
  create(caller: Caller, request: ProfileRequest & { username?: string; password?: string }): Promise<number>
  current(caller: Caller): Promise<User>
  get(caller: Caller, id: number): Promise<User>
  updateProfile(caller: Caller, id: number, request: ProfileRequest): Promise<void>
  changePassword(caller: Caller, id: number, request: { old_password?: string; new_password?: string }): Promise<void>
  setSysadmin(caller: Caller, id: number, sysadmin: boolean): Promise<void>
  delete(caller: Caller, id: number): Promise<void>
}

export function createUsers(deps: {
  database: Database
  hasher: PasswordHasher
  access: AccessChanges
  /** Takes away what a user has in projects and says in which. */
  leaveProjects: (tx: Transaction, userId: number) => Promise<number[]>
  projectsOf: (userId: number) => Promise<number[]>
  /** The password the first start made up is no longer the admin's. */
  onAdminPasswordChanged: () => Promise<void>
}): Users {
  const { database, hasher, access, leaveProjects, projectsOf, onAdminPasswordChanged } = deps

  /**
   * Lets the caller at themselves, or at others with this permission. Administrators are changed by administrators
   * only: whoever could change one could become one.
   */
  async function enter(caller: Caller, id: number, action: string): Promise<User> {
    requireSignedIn(caller)
    const self = caller.kind === 'user' && caller.id === id
    if (!self && !systemPermits(caller)('user', action)) throw refusal(caller)
    const user = await userStore.find(database, id)
    if (!user) throw new NotFound(`user ${id} not found`)
    if (!self && action !== 'read' && (user.sysadmin || user.groupAdmin) && !isAdmin(caller)) throw refusal(caller)
    return user
  }

  async function checkOldPassword(id: number, old: string | undefined): Promise<void> {
    const account = await userStore.accountById(database, id)
    if (!(await hasher.verify(account?.passwordHash, old ?? ''))) throw new Forbidden('incorrect old password')
  }

  return {
    async list(caller, query, page) {
      requireSystem(caller, 'user', 'list')
      return userStore.list(database, query, page)
    },

    async search(caller, username, page) {
      requireSignedIn(caller)
      return userStore.search(database, username, page)
    },

    async create(caller, request) {
      requireSystem(caller, 'user', 'create')
      const username = parseUsername(request.username)
      const profile = parseProfile(request)
      const password = parseNewPassword(request.password)
      if (isReservedName(username)) throw taken()
      const passwordHash = await hasher.hash(password)
      return userStore.insert(database, { username, ...profile, passwordHash }).catch(conflict)
    },

    async current(caller) {
      requireSignedIn(caller)
      if (caller.kind === 'robot') throw new PreconditionFailed('a robot account is not a user')
      const user = await userStore.find(database, caller.id)
      if (!user) throw refusal(caller)
      return user
    },

    get: (caller, id) => enter(caller, id, 'read'),

    async updateProfile(caller, id, request) {
      const user = await enter(caller, id, 'update')
      const { email, realname, comment } = user
      const profile = parseProfile({ email: email ?? undefined, realname, comment, ...request })
      await userStore.updateProfile(database, id, profile).catch(conflict)
    },

    async changePassword(caller, id, request) {
      await enter(caller, id, 'update')
      const self = caller.kind === 'user' && caller.id === id ? caller : undefined
      if (self) await checkOldPassword(id, request.old_password)
      const password = parseNewPassword(request.new_password)
      const account = await userStore.accountById(database, id)
      if (await hasher.verify(account?.passwordHash, password)) {
        throw new BadRequest('the new password cannot be the same as the old one')
      }
      const passwordHash = await hasher.hash(password)
      await database.transaction(async (tx) => {
        await userStore.updatePassword(tx, id, passwordHash)
        await sessionStore.removeOthers(tx, id, self?.session)
      })
      if (id === ADMIN_ID) await onAdminPasswordChanged()
    },

    async setSysadmin(caller, id, sysadmin) {
      requireAdmin(caller)
      if (id === ADMIN_ID && !sysadmin) throw new Forbidden('this user stays an administrator')
      await access.change(caller, async (tx) => {
        const account = await userStore.lock(tx, id)
        if (!account) throw new NotFound(`user ${id} not found`)
        if (account.sysadmin === sysadmin) return { touches: [], result: undefined }
        await userStore.updateSysadmin(tx, id, sysadmin)
        // Somebody who was an administrator may hold tokens for any project.
        return { touches: sysadmin ? await projectsOf(id) : 'all', result: undefined }
      })
    },

    async delete(caller, id) {
      await requireMayDelete(caller, id)
      await access.change(caller, async (tx) => {
        const account = await userStore.lock(tx, id)
        if (!account) throw new NotFound(`user ${id} not found`)
        const isAdministrator = account.sysadmin || account.groupAdmin
        if (isAdministrator) requireAdmin(caller)
        const left = await leaveProjects(tx, id)
        await sessionStore.removeOthers(tx, id)
        await userStore.remove(tx, id)
        return { touches: isAdministrator ? 'all' : left, result: undefined }
      })
    },
  }
}

async function requireMayDelete(caller: Caller, id: number): Promise<void> {
  requireSystem(caller, 'user', 'delete')
  const isSelf = (caller as UserCaller).kind === 'user' && (caller as UserCaller).id === id
  if (isSelf || id === ADMIN_ID) throw new Forbidden('this user cannot be deleted')
}

function taken(): Conflict {
  return new Conflict('the user name or the mail address is taken')
}

function conflict(err: unknown): never {
  if (isUniqueViolation(err, 'users_username_key') || isUniqueViolation(err, 'users_email_key')) throw taken()
  throw err
}
