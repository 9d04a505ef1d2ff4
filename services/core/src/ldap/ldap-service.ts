import type { Egress } from '@berth/egress'
import { BadRequest, DomainError, PreconditionFailed } from '@berth/errors'
import { requireSystem } from '../access/index.ts'
import type { Caller } from '../caller/caller.ts'
import type { Directory as DirectoryOfMembers } from '../group/directory.ts'
import { type ExternalPerson, findDn, type Identities } from '../identity/index.ts'
import type { Settings } from '../setting/index.ts'
import { type Directory, withDirectory } from './directory.ts'
import { type DirectoryGroup, findGroup, searchGroups } from './groups.ts'
import { type LdapConfig, ldapConfig } from './ldap-config.ts'
import { describePerson } from './ldap-sign-in.ts'
import { type DirectoryPerson, findPeople } from './people.ts'
import { type PingRequest, pingedServer } from './ping.ts'

const MAX_FOUND = 1_000

/** Why somebody could not be imported. */
interface FailedImport {
  uid: string
  error: string
}

/** The use cases of a directory; each decides whether its caller may. */
export interface Ldap {
  /** Whether the directory can be reached and searched, with what is sent in place of what is set. Never throws for it. */
  ping(caller: Caller, request: PingRequest): Promise<{ success: boolean; message: string }>
  searchUsers(caller: Caller, username: string): Promise<DirectoryPerson[]>
  searchGroups(caller: Caller, query: { name?: string; dn?: string }): Promise<DirectoryGroup[]>
  /** Makes users of these people; answers those it could not be done for. */
  importUsers(caller: Caller, uids: readonly string[]): Promise<FailedImport[]>
  /** What members and groups ask. */
  readonly directory: DirectoryOfMembers
}

export function createLdap(deps: { settings: Settings; egress: Egress; identities: Identities }): Ldap {
  const { settings, egress, identities } = deps
  const isActive = () => settings.get('auth_mode') === 'ldap_auth'

  /** Asks as who searches. */
  async function ask<T>(work: (directory: Directory, config: LdapConfig) => Promise<T>): Promise<T> {
    const config = ldapConfig(settings)
    return withDirectory(egress, config.server, async (directory) => {
      await directory.bindAsSearcher()
      return work(directory, config)
    })
  }

  /** Who is meant, as far as there is exactly one. */
  async function findOne(
    directory: Directory,
    config: LdapConfig,
    uid: string,
  ): Promise<ExternalPerson | FailedImport> {
    if (uid === '') return { uid, error: 'empty_uid' }
    const found = await findPeople(directory, config, uid, 2)
    const [person] = found
    if (!person) return { uid, error: 'unknown_user' }
    return found.length > 1 ? { uid, error: 'ambiguous_user' } : describePerson(directory, config, person)
  }

  async function bringIn(by: Caller, uid: string, person: ExternalPerson): Promise<FailedImport | undefined> {
    try {
      await identities.signIn(person, { onboard: true, by })
      return undefined
    } catch (err) {
      if (err instanceof DomainError && ['CONFLICT', 'BAD_REQUEST'].includes(err.code))
        return { uid, error: err.message }
      throw err
    }
  }

  return {
    async ping(caller, request) {
      requireSystem(caller, 'configuration', 'read')
      try {
        await withDirectory(egress, pingedServer(settings, request), (directory) => directory.bindAsSearcher())
        return { success: true, message: '' }
      } catch (err) {
        if (err instanceof DomainError) return { success: false, message: err.message }
        throw err
      }
    },

    async searchUsers(caller, username) {
      requireSystem(caller, 'ldap-user', 'list')
      return ask((directory, config) => findPeople(directory, config, username.trim(), MAX_FOUND))
    },

    async searchGroups(caller, { name = '', dn = '' }) {
      requireSystem(caller, 'ldap-user', 'list')
      if (dn !== '' && findDn(dn) === undefined) throw new BadRequest('groupdn is no distinguished name')
      return ask(async (directory, { groups }) => {
        if (dn === '') return searchGroups(directory, groups, name.trim(), MAX_FOUND)
        const group = await findGroup(directory, groups, dn)
        return group ? [group] : []
      })
    },

    async importUsers(caller, uids) {
      requireSystem(caller, 'ldap-user', 'create')
      if (!isActive()) throw new PreconditionFailed('people are imported while auth_mode is ldap_auth')
      const names = [...new Set(uids.map((uid) => uid.trim()))]
      const found = await ask(async (directory, config) => {
        const people: [string, ExternalPerson | FailedImport][] = []
        for (const uid of names) people.push([uid, await findOne(directory, config, uid)])
        return people
      })
      const failed: FailedImport[] = []
      for (const [uid, person] of found) {
        const failure = 'error' in person ? person : await bringIn(caller, uid, person)
        if (failure) failed.push(failure)
      }
      return failed
    },

    directory: {
      isActive,
      findGroup: (dn) => ask((directory, { groups }) => findGroup(directory, groups, dn)),
      async onboard(by, username) {
        const person = await ask((directory, config) => findOne(directory, config, username.trim()))
        if ('error' in person) return undefined
        const user = await identities.signIn(person, { onboard: true, by })
        return user && { id: user.id, username: user.name }
      },
    },
  }
}
