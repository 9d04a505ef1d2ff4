import { findDn } from '../identity/index.ts'
import type { Directory, DirectoryEntry } from './directory.ts'
import { personFilter } from './filters.ts'
import type { LdapConfig } from './ldap-config.ts'

/** Somebody as the directory has them. */
export interface DirectoryPerson {
  dn: string
  /** What stays theirs when the entry moves or is renamed, else the DN in normal form. */
  subject: string
  username: string
  realname: string
  email: string
  /** DNs of groups, as the membership attribute says. */
  memberOf: readonly string[]
}

/** What directories name an entry for good by: OpenLDAP and others, Active Directory, 389, FreeIPA. */
const LASTING_IDS = ['entryUUID', 'objectGUID', 'nsUniqueId', 'ipaUniqueID'] as const
const BINARY = ['objectGUID']

/** Who has this name; everybody if it is empty. An entry without a name is nobody. */
export async function findPeople(
  directory: Directory,
  { people, groups }: LdapConfig,
  name: string,
  limit: number,
): Promise<DirectoryPerson[]> {
  const { membershipAttribute } = groups
  const attributes = [people.nameAttribute, 'cn', 'displayName', 'mail', 'email', ...LASTING_IDS]
  if (membershipAttribute) attributes.push(membershipAttribute)
  const entries = await directory.search({
    base: people.baseDn,
    scope: people.scope,
    filter: personFilter(people, name),
    attributes: [...new Set(attributes)],
    limit,
    binary: BINARY,
  })
  return entries.flatMap((entry) => toPerson(entry, people.nameAttribute, membershipAttribute, name))
}

function toPerson(entry: DirectoryEntry, nameAttribute: string, membershipAttribute: string, asked: string) {
  const names = entry.values(nameAttribute)
  const username = names.find((name) => name.toLowerCase() === asked.toLowerCase()) ?? names[0]
  const subject = subjectOf(entry)
  if (!username || !subject) return []
  const person: DirectoryPerson = {
    dn: entry.dn,
    subject,
    username,
    realname: entry.values('displayName')[0] ?? entry.values('cn')[0] ?? '',
    email: entry.values('mail')[0] ?? entry.values('email')[0] ?? '',
    memberOf: membershipAttribute ? entry.values(membershipAttribute) : [],
  }
  return [person]
}

function subjectOf(entry: DirectoryEntry): string | undefined {
  for (const attribute of LASTING_IDS) {
    const [id] = entry.values(attribute)
    if (id) return `${attribute}:${id.toLowerCase()}`
  }
  return findDn(entry.dn)
}
