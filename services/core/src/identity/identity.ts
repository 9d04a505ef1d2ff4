import { BadRequest, Conflict } from '@berth/errors'
import { isMailAddress, isReservedName, parseUsername } from '../user/user.ts'
import { findDn } from './dn.ts'

export type Provider = 'ldap' | 'oidc'

/** Who somebody is outside: never a name, which can change hands. */
export interface IdentityKey {
  provider: Provider
  /** OIDC: the claim `iss`; LDAP: the name of the directory among ours. */
  issuer: string
  /** OIDC: the claim `sub`; LDAP: the id of the entry that outlives its moves, else its DN in normal form. */
  subject: string
}

/** Somebody as a directory or a provider has just described them. */
export interface ExternalPerson extends IdentityKey {
  username: string
  email?: string
  realname?: string
  /** A group of a directory has a DN, which tells it from others of its name. */
  groups: readonly { name: string; dn?: string }[]
  /** Whether one of the groups is the one whose people administer the suite. */
  groupAdmin: boolean
}

/** What a group is known by, and what it is called. */
export interface GroupKey {
  name: string
  /** In normal form; only of a directory. */
  dn?: string
}

/** What is kept of a person. */
export interface KeptPerson extends IdentityKey {
  email: string | null
  realname: string
  groups: readonly GroupKey[]
  groupAdmin: boolean
}

/** As Harbor counts the kinds of groups. */
export const GROUP_KIND: Record<Provider, 1 | 3> = { ldap: 1, oidc: 3 }

const MAX_GROUPS = 1_000
const MAX_KEY_CHARS = 1_000
const MAX_NAME_CHARS = 255

/**
 * What is kept of what a directory or a provider said: a mail address that is none and groups that cannot be named are
 * left out, as is what follows the first thousand groups. Less is never more rights.
 *
 * @throws {BadRequest} an issuer or subject that cannot be anybody's
 */
export function parsePerson(person: ExternalPerson): KeptPerson {
  const { provider, issuer, subject, email = '', realname = '', groupAdmin } = person
  if (!isKey(issuer) || !isKey(subject)) throw new BadRequest('the identity has no usable issuer and subject')
  const groups = new Map<string, GroupKey>()
  for (const group of person.groups) {
    const key = findGroupKey(provider, group)
    if (key && groups.size < MAX_GROUPS) groups.set(key.dn ?? key.name, key)
  }
  return {
    provider,
    issuer,
    subject,
    email: isMailAddress(email) ? email : null,
    realname: realname
      .replace(/\p{Cc}+/gu, ' ')
      .trim()
      .slice(0, MAX_NAME_CHARS),
    groups: [...groups.values()].toSorted((a, b) => ((a.dn ?? a.name) < (b.dn ?? b.name) ? -1 : 1)),
    groupAdmin,
  }
}

/** `undefined`: nothing a group could be known by. */
function findGroupKey(provider: Provider, { name, dn }: { name: string; dn?: string }): GroupKey | undefined {
  const called = name.trim()
  if (called === '' || called.length > MAX_NAME_CHARS || !isStorable(called)) return undefined
  if (provider !== 'ldap') return { name: called }
  const normal = findDn(dn ?? '')
  return normal === undefined ? undefined : { name: called, dn: normal }
}

/**
 * The name a new user gets.
 *
 * @throws {BadRequest} outside the rules of user names
 * @throws {Conflict} a name nobody may have
 */
export function parseNewName(name: string): string {
  const username = parseUsername(name)
  if (isReservedName(username)) throw nameTaken()
  return username
}

export function nameTaken(): Conflict {
  return new Conflict('the user name is taken by somebody else')
}

function isKey(text: string): boolean {
  return text.length > 0 && text.length <= MAX_KEY_CHARS && isStorable(text)
}

/** The database keeps every half of a character as the same mark: two that differ there would become one. */
function isStorable(text: string): boolean {
  return text.isWellFormed() && !/\p{Cc}/u.test(text)
}
