import { type Database, isUniqueViolation, type Page } from '@berth/db'
import { BadRequest, Conflict, NotFound } from '@berth/errors'
import { requireSignedIn, requireSystem } from '../access/index.ts'
import type { AuditTrail } from '../audit/index.ts'
import type { Caller } from '../caller/caller.ts'
import { findDn } from '../identity/index.ts'
import type { AccessChanges } from '../project/index.ts'
import type { Directory } from './directory.ts'
import { type Group, parseGroupName, parseNewGroup, type RawGroup } from './group.ts'
import { groupStore } from './group-store.ts'

/** The use cases of groups; each decides whether its caller may. Who is in a group, the directory or provider says. */
export interface Groups {
  list(caller: Caller, query: { name?: string; dn?: string }, page: Page): Promise<{ groups: Group[]; total: number }>
  /** For whoever has signed in, who may want to make a group a member. */
  search(caller: Caller, name: string | undefined, page: Page): Promise<{ groups: Group[]; total: number }>
  create(caller: Caller, raw: RawGroup): Promise<number>
  get(caller: Caller, id: number): Promise<Group>
  /** A group keeps its kind and distinguished name. */
  rename(caller: Caller, id: number, name: string | undefined): Promise<void>
  /** With its places in projects; in force before the answer. */
  delete(caller: Caller, id: number): Promise<void>
}

export function createGroups(deps: {
  database: Database
  access: AccessChanges
  audit: AuditTrail
  directory: Directory
}): Groups {
  const { database, access, audit, directory } = deps

  /** A group of a directory is one the directory has, under the name it has there. */
  async function asInDirectory(group: Omit<Group, 'id'>): Promise<Omit<Group, 'id'>> {
    if (group.ldapDn === null || !directory.isActive()) return group
    const found = await directory.findGroup(group.ldapDn)
    if (!found) throw new BadRequest('the directory has no group of this distinguished name')
    return { ...group, name: parseGroupName(found.name) }
  }

  async function get(id: number): Promise<Group> {
    const group = await groupStore.find(database, id)
    if (!group) throw groupNotFound(id)
    return group
  }

  return {
    async list(caller, { name, dn }, page) {
      requireSystem(caller, 'user-group', 'list')
      return groupStore.list(database, { name, dn: dn ? (findDn(dn) ?? dn) : undefined }, page)
    },

    async search(caller, name, page) {
      requireSignedIn(caller)
      if (!name) throw new BadRequest('groupname is required')
      return groupStore.list(database, { name }, page)
    },

    async create(caller, raw) {
      requireSystem(caller, 'user-group', 'create')
      const group = await asInDirectory(parseNewGroup(raw))
      return database.transaction(async (tx) => {
        const id = await groupStore.insert(tx, group).catch(conflict)
        await audit.record(tx, caller, { operation: 'create', resourceType: 'usergroup', resource: group.name })
        return id
      })
    },

    async get(caller, id) {
      requireSystem(caller, 'user-group', 'read')
      return get(id)
    },

    async rename(caller, id, newName) {
      requireSystem(caller, 'user-group', 'update')
      const name = parseGroupName(newName)
      const { name: before } = await get(id)
      await database.transaction(async (tx) => {
        await groupStore.rename(tx, id, name).catch(conflict)
        const description = `was ${before}`
        await audit.record(tx, caller, { operation: 'update', resourceType: 'usergroup', resource: name, description })
      })
    },

    async delete(caller, id) {
      requireSystem(caller, 'user-group', 'delete')
      await access.change(caller, async (tx) => {
        await groupStore.lock(tx, id)
        const touches = await groupStore.projectsOf(tx, id)
        const name = await groupStore.remove(tx, id)
        if (name === undefined) throw groupNotFound(id)
        await audit.record(tx, caller, { operation: 'delete', resourceType: 'usergroup', resource: name })
        return { touches, result: undefined }
      })
    },
  }
}

function groupNotFound(id: number): NotFound {
  return new NotFound(`group ${id} not found`)
}

function conflict(err: unknown): never {
  if (isUniqueViolation(err, 'groups_kind_name_key') || isUniqueViolation(err, 'groups_ldap_dn_key')) {
    throw new Conflict('there is such a group already')
  }
  throw err
}
