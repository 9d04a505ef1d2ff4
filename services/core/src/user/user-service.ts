import { type Database, isUniqueViolation, type Page, type Transaction } from '@berth/db'
import { BadRequest, Conflict, Forbidden, NotFound, PreconditionFailed } from '@berth/errors'
import { refusal, requireAdmin, requirePerson, requireSignedIn, requireSystem, systemPermits } from '../access/index.ts'
import type { AuditEntry, AuditTrail } from '../audit/index.ts'
import type { Attempts } from '../caller/attempts.ts'
import { type Caller, isAdmin, type UserCaller } from '../caller/caller.ts'
import type { PasswordHasher } from '../caller/password.ts'
import type { AccessChanges } from '../project/index.ts'
import { sessionStore } from '../session/session-store.ts'
import type { Settings } from '../setting/settings.ts'
import { forgetName, type GdprOptions } from './forget-names.ts'
import {
  type Account,
  ADMIN_ID,
  isReservedName,
  parseNewPassword,
  parseProfile,
  parseUsername,
  remainsOf,
  type User,
} from './user.ts'
import { userStore } from './user-store.ts'

interface ProfileRequest {
  email?: string
  realname?: string
  comment?: string
}

interface NewUserRequest extends ProfileRequest {
  username?: string
  password?: string
}

/** The use cases of users; each decides whether its caller may. */
export interface Users {
  list(caller: Caller, query: { q?: string; sort?: string }, page: Page): Promise<{ users: User[]; total: number }>
  search(caller: Caller, username: string, page: Page): Promise<{ users: User[]; total: number }>
  /** By who may, or by somebody for themselves where that is allowed, in a browser alone. */
  create(caller: Caller, request: NewUserRequest, origin: { isBrowser: boolean }): Promise<number>
  /** Whether the caller may learn who there is before they register. */
  mayAskForNames(caller: Caller): boolean
  isTaken(what: 'username' | 'email', value: string): Promise<boolean>
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
  attempts: Attempts
  access: AccessChanges
  audit: AuditTrail
  settings: Settings
  projectsOf: (tx: Transaction, userId: number) => Promise<number[]>
  /** Take away what a user who is deleted has elsewhere. */
  leave: readonly ((tx: Transaction, userId: number) => Promise<unknown>)[]
  gdpr: GdprOptions
  /** The password the first start made up is no longer the admin's. */
  onAdminPasswordChanged: () => Promise<void>
}): Users {
  const { database, hasher, attempts, access, audit, settings, projectsOf, leave, gdpr } = deps
  const isLocal = () => settings.get('auth_mode') === 'db_auth'

  /**
   * Lets the caller at themselves, or at others with this permission. Administrators are changed by administrators
   * only: whoever could change one could become one.
   */
  async function enter(caller: Caller, id: number, action: string): Promise<User> {
    requireSignedIn(caller)
    const self = caller.kind === 'user' && caller.id === id
    if (!self && !systemPermits(caller)('user', action)) throw refusal(caller)
    if (self && action !== 'read') requirePerson(caller)
    const user = await userStore.find(database, id)
    if (!user) throw new NotFound(`user ${id} not found`)
    if (!self && action !== 'read' && (user.sysadmin || user.groupAdmin) && !isAdmin(caller)) throw refusal(caller)
    return user
  }

  /** Where people sign in elsewhere, what is said of them there holds. */
  function requireKeptHere(id: number): void {
    if (id !== ADMIN_ID && !isLocal()) throw new Forbidden('people are not kept here while they sign in elsewhere')
  }

  async function checkOldPassword(caller: UserCaller, account: Account | undefined, old = ''): Promise<void> {
    const { name: username, address } = caller
    const right = await attempts.guard(
      { username, password: old, address },
      async () => (await hasher.verify(account?.passwordHash, old)) || undefined,
    )
    if (!right) throw new Forbidden('incorrect old password')
  }

  const mayCreate = (caller: Caller) => systemPermits(caller)('user', 'create')

  function requireMayCreate(caller: Caller, isBrowser: boolean): void {
    if (!mayCreate(caller)) {
      if (!settings.get('self_registration')) throw refusal(caller)
      if (!isBrowser) throw new Forbidden('self-registration cannot be triggered via API')
    }
    if (!isLocal()) throw new Forbidden('users cannot be made here while people sign in elsewhere')
  }

  const record = (tx: Transaction, caller: Caller, operation: AuditEntry['operation'], user: string, more = '') =>
    audit.record(tx, caller, { operation, resourceType: 'user', resource: user, description: more })

  return {
    async list(caller, query, page) {
      requireSystem(caller, 'user', 'list')
      return userStore.list(database, query, page)
    },

    async search(caller, username, page) {
      requireSignedIn(caller)
      return userStore.search(database, username, page)
    },

    async create(caller, request, { isBrowser }) {
      requireMayCreate(caller, isBrowser)
      const username = parseUsername(request.username)
      const profile = parseProfile(request)
      const password = parseNewPassword(request.password)
      if (isReservedName(username)) throw taken()
      if (!mayCreate(caller)) attempts.spend(caller.address)
      const passwordHash = await hasher.hash(password)
      // Who registers themselves does so in their own name.
      const by: Caller = caller.kind === 'anonymous' ? { ...caller, ...NEWCOMER, name: username } : caller
      return database.transaction(async (tx) => {
        const id = await userStore.insert(tx, { username, ...profile, passwordHash }).catch(conflict)
        await record(tx, by, 'create', username, caller.kind === 'anonymous' ? 'registered themselves' : '')
        return id
      })
    },

    mayAskForNames: (caller) => settings.get('self_registration') || isAdmin(caller),

    isTaken: async (what, value) =>
      (what === 'username' && isReservedName(value)) || userStore.isTaken(database, what, value),

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
      requireKeptHere(id)
      const { username, email, realname, comment } = user
      const profile = parseProfile({ email: email ?? undefined, realname, comment, ...request })
      await database.transaction(async (tx) => {
        await userStore.updateProfile(tx, id, profile).catch(conflict)
        await record(tx, caller, 'update', username, 'profile')
      })
    },

    async changePassword(caller, id, request) {
      const { username } = await enter(caller, id, 'update')
      requireKeptHere(id)
      const self = caller.kind === 'user' && caller.id === id ? caller : undefined
      const account = await userStore.accountById(database, id)
      if (self) await checkOldPassword(self, account, request.old_password)
      const password = parseNewPassword(request.new_password)
      if (await hasher.verify(account?.passwordHash, password)) {
        throw new BadRequest('the new password cannot be the same as the old one')
      }
      const passwordHash = await hasher.hash(password)
      await database.transaction(async (tx) => {
        // Of two who know the old one, whoever comes second knows the password no more.
        const isChanged = await userStore.updatePassword(tx, id, passwordHash, self && account?.authRevision)
        if (!isChanged) throw self ? new Forbidden('incorrect old password') : new NotFound(`user ${id} not found`)
        await sessionStore.removeOthers(tx, id, self?.session)
        await record(tx, caller, 'update', username, 'password')
      })
      if (id === ADMIN_ID) await deps.onAdminPasswordChanged()
    },

    async setSysadmin(caller, id, sysadmin) {
      requireAdmin(caller)
      if (id === ADMIN_ID && !sysadmin) throw new Forbidden('this user stays an administrator')
      await access.change(caller, async (tx) => {
        const account = await userStore.lock(tx, id)
        if (!account) throw new NotFound(`user ${id} not found`)
        if (account.sysadmin === sysadmin) return { touches: [], result: undefined }
        await userStore.updateSysadmin(tx, id, sysadmin)
        const change = sysadmin ? 'made an administrator' : 'no administrator any more'
        await record(tx, caller, 'update', account.username, change)
        // Somebody who was an administrator may hold tokens for any project.
        return { touches: sysadmin ? await projectsOf(tx, id) : 'all', result: undefined }
      })
    },

    async delete(caller, id) {
      await requireMayDelete(caller, id)
      await access.change(caller, async (tx) => {
        const account = await userStore.lock(tx, id)
        if (!account) throw new NotFound(`user ${id} not found`)
        const isAdministrator = account.sysadmin || account.groupAdmin
        if (isAdministrator) requireAdmin(caller)
        const touches = isAdministrator ? 'all' : await projectsOf(tx, id)
        await sessionStore.removeOthers(tx, id)
        for (const leaveOne of leave) await leaveOne(tx, id)
        const user = (await userStore.find(tx, id)) as User
        const remains = remainsOf(user, gdpr.pseudonymOf?.(user.username))
        await userStore.remove(tx, id, remains)
        await record(tx, caller, 'delete', user.username)
        if (gdpr.pseudonymOf && gdpr.inAuditLog) await forgetName(tx, user.username, remains.username)
        return { touches, result: undefined }
      })
    },
  }
}

async function requireMayDelete(caller: Caller, id: number): Promise<void> {
  requireSystem(caller, 'user', 'delete')
  const isSelf = (caller as UserCaller).kind === 'user' && (caller as UserCaller).id === id
  if (isSelf || id === ADMIN_ID) throw new Forbidden('this user cannot be deleted')
}

const NEWCOMER = { kind: 'user', id: 0, admin: false } as const

function taken(): Conflict {
  return new Conflict('the user name or the mail address is taken')
}

function conflict(err: unknown): never {
  if (isUniqueViolation(err, 'users_username_key') || isUniqueViolation(err, 'users_email_key')) throw taken()
  throw err
}
