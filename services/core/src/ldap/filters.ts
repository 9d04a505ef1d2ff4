import { AndFilter, EqualityFilter, type Filter, OrFilter, PresenceFilter, SubstringFilter } from 'ldapts'
import type { LdapGroups, LdapPeople } from './ldap-config.ts'

// Filters are put together from parts, never from text: what somebody types is a value in them, whatever is in it.

/** Finds who has this name; everybody who has one if it is empty. */
export function personFilter({ filter, nameAttribute }: LdapPeople, name: string): Filter {
  return both(filter, named(nameAttribute, name))
}

/** Finds groups with this in their name; all if it is empty. */
export function groupNameFilter({ filter, nameAttribute }: LdapGroups, name: string): Filter {
  if (name === '') return both(filter, named(nameAttribute, ''))
  return both(filter, new SubstringFilter({ attribute: nameAttribute, any: [name] }))
}

/** Any group at all, by the filter there is. */
export function groupFilter({ filter }: LdapGroups): Filter {
  return filter ?? new PresenceFilter({ attribute: 'objectclass' })
}

/** Finds groups that say one of these is in them; `username` as groups of POSIX accounts have it. */
export function membersFilter({ filter }: LdapGroups, dns: readonly string[], username?: string): Filter {
  const ways = dns.flatMap((value) => [
    new EqualityFilter({ attribute: 'member', value }),
    new EqualityFilter({ attribute: 'uniqueMember', value }),
  ])
  if (username !== undefined) ways.push(new EqualityFilter({ attribute: 'memberUid', value: username }))
  return both(filter, new OrFilter({ filters: ways }))
}

function named(attribute: string, value: string): Filter {
  return value === '' ? new PresenceFilter({ attribute }) : new EqualityFilter({ attribute, value })
}

function both(one: Filter | undefined, other: Filter): Filter {
  return one ? new AndFilter({ filters: [one, other] }) : other
}
