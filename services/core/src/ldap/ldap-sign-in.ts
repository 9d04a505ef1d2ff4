import type { Egress } from '@berth/egress'
import { BadRequest, Conflict, DomainError, Unavailable } from '@berth/errors'
import type { Logger } from '@berth/runtime'
import type { PasswordSource, SignInOrigin } from '../caller/basic-sign-in.ts'
import type { UserCaller } from '../caller/caller.ts'
import type { ExternalPerson, Identities } from '../identity/index.ts'
import type { Settings } from '../setting/index.ts'
import { type Directory, DirectoryFailed, withDirectory } from './directory.ts'
import { findMemberships } from './groups.ts'
import { type LdapConfig, ldapConfig } from './ldap-config.ts'
import { type DirectoryPerson, findPeople } from './people.ts'
import { createSlots } from './slots.ts'

/** The directory among ours: there is one. Its address may change, its people stay who they are. */
const ISSUER = 'ldap'
const AT_ONCE = 16
const MAX_WAITING = 200

/** How somebody of the directory is told to those who tie them to a user. */
export async function describePerson(
  directory: Directory,
  config: LdapConfig,
  person: DirectoryPerson,
): Promise<ExternalPerson> {
  const { subject, username, email, realname } = person
  const { groups, isAdmin } = await findMemberships(directory, config, person)
  return { provider: 'ldap', issuer: ISSUER, subject, username, email, realname, groups, groupAdmin: isAdmin }
}

/** Checks passwords against the directory: its people sign in with their own, and are users from then on. */
export function createLdapSignIn(deps: {
  settings: Settings
  egress: Egress
  identities: Pick<Identities, 'signIn'>
  log: Logger
}): PasswordSource {
  const { settings, egress, identities, log } = deps
  const inTurn = createSlots({ atOnce: AT_ONCE, maxWaiting: MAX_WAITING })

  async function check(username: string, password: string): Promise<ExternalPerson | undefined> {
    const config = ldapConfig(settings)
    return withDirectory(egress, config.server, async (directory) => {
      await directory.bindAsSearcher()
      const found = await findPeople(directory, config, username, 2)
      const [person] = found
      if (!person || found.length > 1) {
        if (person) log.warn('several people of the directory have one name', { username })
        // As much work as for somebody who is there, so that the time does not tell who is.
        await directory.bind(`${config.people.nameAttribute}=nobody,${config.people.baseDn}`, password)
        return undefined
      }
      if (!(await directory.bind(person.dn, password))) return undefined
      await directory.bindAsSearcher()
      return describePerson(directory, config, person)
    })
  }

  /** What is wrong with the directory or our settings of it is nothing for somebody who has not signed in. */
  async function checkQuietly(username: string, password: string): Promise<ExternalPerson | undefined> {
    try {
      return await inTurn(() => check(username, password))
    } catch (err) {
      if (!(err instanceof DomainError) || err.code === 'TOO_MANY_REQUEST') throw err
      log.warn('the directory cannot be asked', { err })
      if (err instanceof DirectoryFailed || err instanceof BadRequest || err.code === 'BAD_REQUEST') {
        throw new Unavailable('the directory cannot be asked', { cause: err })
      }
      throw err
    }
  }

  async function admit(person: ExternalPerson, { address }: SignInOrigin): Promise<UserCaller | undefined> {
    const by: UserCaller = { kind: 'user', id: 0, name: person.username, admin: false, address }
    try {
      return await identities.signIn(person, { onboard: true, by })
    } catch (err) {
      if (!(err instanceof Conflict || err instanceof BadRequest)) throw err
      log.warn('somebody of the directory cannot be a user', { username: person.username, why: err.message })
      return undefined
    }
  }

  return {
    isActive: () => settings.get('auth_mode') === 'ldap_auth',
    isRemembered: true,
    async signIn(username, password, origin) {
      if (username === '' || password === '') return undefined
      const person = await checkQuietly(username, password)
      return person && admit(person, origin)
    },
  }
}
