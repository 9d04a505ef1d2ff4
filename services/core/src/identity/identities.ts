import { type Database, isUniqueViolation, type Transaction } from '@berth/db'
import type { AuditTrail } from '../audit/index.ts'
import type { Caller, UserCaller } from '../caller/caller.ts'
import type { AccessChanges } from '../project/index.ts'
import {
  type ExternalPerson,
  type GroupKey,
  type IdentityKey,
  type KeptPerson,
  nameTaken,
  type Provider,
  parseNewName,
  parsePerson,
} from './identity.ts'
import { identityStore, type KnownPerson } from './identity-store.ts'

interface SignInOptions {
  /** Whether a user is made for somebody who was never here. */
  onboard: boolean
  /** What a new user is called, if not as outside. */
  username?: string
  /** Who brings the person in, when it is not they themselves. */
  by?: Caller
}

/** Ties people of a directory or a provider to users. */
export interface Identities {
  find(key: IdentityKey): Promise<{ userId: number } | undefined>
  /**
   * The user this person is, brought up to date with what was said of them: mail address, name, groups, whether they
   * administer. In one transaction; projects reached only through groups that were left refuse older tokens before the
   * answer. `undefined`: nobody yet, and none was to be made.
   *
   * @throws {Conflict} somebody else has the name; they are never taken for one another
   * @throws {BadRequest} the name cannot be one of a user, or the identity is not usable
   * @throws {Unavailable} saved, not yet in force
   */
  signIn(person: ExternalPerson, options: SignInOptions): Promise<UserCaller | undefined>
  /** The id of a group of a directory or a provider, made if need be. */
  ensureGroup(by: Caller, provider: Provider, group: GroupKey): Promise<number>
}

export function createIdentities(deps: { database: Database; access: AccessChanges; audit: AuditTrail }): Identities {
  const { database, access, audit } = deps

  async function makeGroups(tx: Transaction, by: Caller, provider: Provider, groups: readonly GroupKey[]) {
    const { ids, made } = await identityStore.ensureGroups(tx, provider, groups)
    for (const resource of made)
      await audit.record(tx, by, { operation: 'create', resourceType: 'usergroup', resource })
    return ids
  }

  /** The groups that were left. */
  async function replaceGroups(tx: Transaction, by: Caller, userId: number, person: KeptPerson): Promise<number[]> {
    const { provider, groups } = person
    const now = new Set(await makeGroups(tx, by, provider, groups))
    const before = new Set(await identityStore.groupsOf(tx, userId, provider))
    const left = [...before.difference(now)]
    const joined = [...now.difference(before)]
    if (left.length > 0) await identityStore.leave(tx, userId, left)
    if (joined.length > 0) await identityStore.join(tx, userId, joined)
    return left
  }

  async function make(tx: Transaction, by: Caller, username: string, person: KeptPerson): Promise<UserCaller> {
    const id = await identityStore.insertUser(tx, username, person)
    if (id === undefined) throw nameTaken()
    const description = `signs in by ${person.provider}`
    await audit.record(tx, by, { operation: 'create', resourceType: 'user', resource: username, description })
    return { kind: 'user', id, name: username, admin: person.groupAdmin }
  }

  async function refresh(tx: Transaction, by: Caller, user: KnownPerson, person: KeptPerson): Promise<UserCaller> {
    const { id, username, sysadmin } = user
    if (differs(user, person)) await identityStore.updateUser(tx, id, person)
    if (user.groupAdmin !== person.groupAdmin) {
      const description = person.groupAdmin ? 'administrator by group' : 'no administrator by group any more'
      await audit.record(tx, by, { operation: 'update', resourceType: 'user', resource: username, description })
    }
    return { kind: 'user', id, name: username, admin: sysadmin || person.groupAdmin }
  }

  async function once(person: KeptPerson, name: string, { onboard, by }: SignInOptions) {
    const actor: Caller = by ?? { kind: 'user', id: 0, name, admin: false }
    return access.change(actor, async (tx) => {
      const known = await identityStore.findLocked(tx, person)
      if (!known && !onboard) return { touches: [], result: undefined }
      const result = known
        ? await refresh(tx, by ?? { ...actor, ...callerOf(known) }, known, person)
        : await make(tx, actor, parseNewName(name), person)
      await identityStore.put(tx, person, result.id)
      const left = await replaceGroups(tx, by ?? result, result.id, person)
      // Who gained something holds tokens that grant too little, which harms nobody; who lost something, too much.
      const demoted = known?.groupAdmin && !result.admin
      const touches = demoted ? ('all' as const) : left.length > 0 ? await identityStore.projectsOf(tx, left) : []
      return { touches, result }
    })
  }

  return {
    async find(key) {
      const known = await identityStore.find(database, key)
      return known && { userId: known.id }
    },

    async signIn(raw, options) {
      const person = parsePerson(raw)
      const name = options.username ?? raw.username
      try {
        return await once(person, name, options)
      } catch (err) {
        // Somebody took the mail address at the same moment; it is theirs, and seen the second time.
        if (isUniqueViolation(err, 'users_email_key')) return once(person, name, options)
        throw err
      }
    },

    ensureGroup: (by, provider, group) =>
      database.transaction(async (tx) => {
        const [id] = await makeGroups(tx, by, provider, [group])
        return id as number
      }),
  }
}

function differs(user: KnownPerson, { email, realname, groupAdmin }: KeptPerson): boolean {
  const otherMail = email !== null && email !== user.email
  return otherMail || (realname !== '' && realname !== user.realname) || groupAdmin !== user.groupAdmin
}

function callerOf({ id, username, sysadmin, groupAdmin }: KnownPerson): UserCaller {
  return { kind: 'user', id, name: username, admin: sysadmin || groupAdmin }
}
