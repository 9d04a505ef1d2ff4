import { findDn, leafOf } from '../identity/index.ts'
import type { Directory, DirectoryEntry } from './directory.ts'
import { groupFilter, groupNameFilter, membersFilter } from './filters.ts'
import type { LdapConfig, LdapGroups } from './ldap-config.ts'
import type { DirectoryPerson } from './people.ts'

export interface DirectoryGroup {
  name: string
  /** In normal form. */
  dn: string
}

/** What somebody is a member of, by themselves or through groups in groups. */
export interface Memberships {
  groups: DirectoryGroup[]
  /** Whether the group of administrators is among it. */
  isAdmin: boolean
}

/** Groups in groups are followed this far, and no further than this many. */
const MAX_DEPTH = 10
const MAX_GROUPS = 500
const NAMES_A_SEARCH = 50

/**
 * The groups of a person. If the directory writes into entries what they are members of, each group named there is
 * looked up, and what it is a member of itself; else groups are searched for by their members, level by level. Groups
 * that are outside of `ldap_group_base_dn` or do not fit the filter are none, and lead nowhere.
 */
export async function findMemberships(
  directory: Directory,
  { groups: config }: LdapConfig,
  person: DirectoryPerson,
): Promise<Memberships> {
  const found = new Map<string, DirectoryGroup>()
  const named = new Set<string>()
  const byAttribute = config.membershipAttribute !== '' && person.memberOf.length > 0
  let frontier: readonly string[] = byAttribute ? person.memberOf : [person.dn]

  for (let depth = 0; depth < MAX_DEPTH && frontier.length > 0 && found.size < MAX_GROUPS; depth++) {
    const entries = byAttribute
      ? await lookUp(directory, config, fresh(frontier, named))
      : await findByMembers(directory, config, frontier, depth === 0 ? person.username : undefined)
    const next: string[] = []
    for (const entry of entries) {
      const group = toGroup(entry, config)
      if (!group || found.has(group.dn) || found.size === MAX_GROUPS) continue
      found.set(group.dn, group)
      named.add(group.dn)
      next.push(...(byAttribute ? entry.values(config.membershipAttribute) : [entry.dn]))
    }
    frontier = next
  }
  const { adminDn } = config
  return { groups: [...found.values()], isAdmin: adminDn !== undefined && named.has(adminDn) }
}

/** The group with this DN, if it is one of ours. */
export async function findGroup(
  directory: Directory,
  config: LdapGroups,
  dn: string,
): Promise<DirectoryGroup | undefined> {
  const [entry] = await lookUp(directory, config, [dn])
  return entry && toGroup(entry, config)
}

/** Groups with this in their name. */
export async function searchGroups(
  directory: Directory,
  config: LdapGroups,
  name: string,
  limit: number,
): Promise<DirectoryGroup[]> {
  const { baseDn, scope, nameAttribute } = config
  const filter = groupNameFilter(config, name)
  const entries = await directory.search({ base: baseDn, scope, filter, attributes: [nameAttribute], limit })
  return entries.flatMap((entry) => toGroup(entry, config) ?? [])
}

/** Those that were not seen before; they are from now on. */
function fresh(dns: readonly string[], seen: Set<string>): string[] {
  return dns.filter((dn) => {
    const normal = findDn(dn)
    if (normal === undefined || seen.has(normal) || seen.size >= MAX_GROUPS) return false
    seen.add(normal)
    return true
  })
}

/** The entries of these names that are groups, a few at a time. */
async function lookUp(directory: Directory, config: LdapGroups, dns: readonly string[]): Promise<DirectoryEntry[]> {
  const waiting = dns.filter((dn) => isWithin(dn, config))
  const entries: DirectoryEntry[] = []
  const worker = async () => {
    for (let dn = waiting.shift(); dn !== undefined; dn = waiting.shift()) {
      const filter = groupFilter(config)
      entries.push(
        ...(await directory.search({ base: dn, scope: 'base', filter, attributes: wanted(config), limit: 1 })),
      )
    }
  }
  await Promise.all(Array.from({ length: config.lookupsAtOnce }, worker))
  return entries
}

async function findByMembers(
  directory: Directory,
  config: LdapGroups,
  dns: readonly string[],
  username: string | undefined,
): Promise<DirectoryEntry[]> {
  const { baseDn: base, scope } = config
  const entries: DirectoryEntry[] = []
  for (let from = 0; from < dns.length; from += NAMES_A_SEARCH) {
    const filter = membersFilter(config, dns.slice(from, from + NAMES_A_SEARCH), from === 0 ? username : undefined)
    entries.push(...(await directory.search({ base, scope, filter, attributes: wanted(config), limit: MAX_GROUPS })))
  }
  return entries
}

function wanted({ nameAttribute, membershipAttribute }: LdapGroups): string[] {
  return membershipAttribute ? [nameAttribute, membershipAttribute] : [nameAttribute]
}

function toGroup(entry: DirectoryEntry, config: LdapGroups): DirectoryGroup | undefined {
  const dn = findDn(entry.dn)
  const name = entry.values(config.nameAttribute)[0] ?? leafOf(entry.dn)
  return dn === undefined || !name || !isWithin(entry.dn, config) ? undefined : { name, dn }
}

function isWithin(dn: string, { isBounded, baseDn }: LdapGroups): boolean {
  if (!isBounded) return true
  const [normal, base] = [findDn(dn), findDn(baseDn)]
  return normal !== undefined && base !== undefined && (normal === base || normal.endsWith(`,${base}`))
}
