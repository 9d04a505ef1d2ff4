import type { Queries } from '@berth/db'
import { BadRequest, NotFound } from '@berth/errors'
import type { Caller } from '../caller/caller.ts'
import {
  type Directory,
  groupStore,
  parseGroupDn,
  parseGroupKind,
  parseGroupName,
  type RawGroup,
} from '../group/index.ts'
import type { Identities } from '../identity/index.ts'
import type { Settings } from '../setting/settings.ts'
import { userStore } from '../user/index.ts'
import type { Entity } from './member-store.ts'

/** Who is meant by the body of a new member. */
export interface RawEntity {
  member_user?: { user_id?: number; username?: string }
  member_group?: RawGroup
}

/**
 * Finds out who is to become a member: a user by id or name, a group by id, distinguished name or name. People and
 * groups of the directory that were never here are made, groups of an OIDC provider are by their name alone.
 *
 * @throws {BadRequest} nobody is named
 * @throws {NotFound} there is nobody of that name
 */
export type FindEntity = (caller: Caller, raw: RawEntity) => Promise<Entity>

export function createFindEntity(deps: {
  database: Queries
  identities: Pick<Identities, 'ensureGroup'>
  directory: Directory
  settings: Settings
}): FindEntity {
  const { database, identities, directory, settings } = deps

  async function user(caller: Caller, named: { user_id?: number; username?: string }): Promise<Entity | undefined> {
    if (named.user_id) {
      const found = await userStore.find(database, named.user_id)
      return found && { kind: 'user', id: found.id, name: found.username }
    }
    const username = named.username ?? ''
    const account = await userStore.accountByName(database, username)
    const found = account ?? (directory.isActive() ? await directory.onboard(caller, username) : undefined)
    return found && { kind: 'user', id: found.id, name: found.username }
  }

  async function groupOfDirectory(caller: Caller, dn: string): Promise<Entity | undefined> {
    const known = await groupStore.findByDn(database, dn)
    if (known) return { kind: 'group', id: known.id, name: known.name }
    const found = directory.isActive() ? await directory.findGroup(dn) : undefined
    return (
      found && {
        kind: 'group',
        id: await identities.ensureGroup(caller, 'ldap', { name: found.name, dn }),
        name: found.name,
      }
    )
  }

  async function groupByName(caller: Caller, { group_name, group_type }: RawGroup): Promise<Entity | undefined> {
    const name = parseGroupName(group_name)
    const kind = group_type ? parseGroupKind(group_type) : undefined
    const known = await groupStore.findByName(database, name, kind)
    if (known) return { kind: 'group', id: known.id, name }
    const isMade = settings.get('auth_mode') === 'oidc_auth' && (kind ?? 3) === 3
    return isMade ? { kind: 'group', id: await identities.ensureGroup(caller, 'oidc', { name }), name } : undefined
  }

  async function group(caller: Caller, raw: RawGroup): Promise<Entity | undefined> {
    if (raw.id) {
      const known = await groupStore.find(database, raw.id)
      return known && { kind: 'group', id: known.id, name: known.name }
    }
    if (raw.ldap_group_dn) return groupOfDirectory(caller, parseGroupDn(raw.ldap_group_dn))
    return groupByName(caller, raw)
  }

  return async (caller, { member_user, member_group }) => {
    const isUser = Boolean(member_user?.user_id || member_user?.username)
    if (!isUser && !member_group) throw new BadRequest('a member needs a user id, a user name or a group')
    const found = isUser ? await user(caller, member_user ?? {}) : await group(caller, member_group ?? {})
    if (!found) throw new NotFound(isUser ? 'no such user' : 'no such group')
    return found
  }
}
