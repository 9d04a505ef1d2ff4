import { type Database, isUniqueViolation, type Page, type Transaction } from '@berth/db'
import { BadRequest, Conflict, NotFound, PreconditionFailed } from '@berth/errors'
import { findRole, type RoleId } from '../access/index.ts'
import type { AuditTrail } from '../audit/index.ts'
import type { Caller } from '../caller/caller.ts'
import { type AccessChanges, type ProjectDoor, type ProjectRef, projectStore } from '../project/index.ts'
import type { FindEntity, RawEntity } from './member-entity.ts'
import { type Member, memberStore } from './member-store.ts'

/** The use cases of members. Every change is in force, for tokens too, before it is answered. */
export interface Members {
  list(
    caller: Caller,
    ref: ProjectRef,
    name: string | undefined,
    page: Page,
  ): Promise<{ members: Member[]; total: number }>
  get(caller: Caller, ref: ProjectRef, id: number): Promise<Member>
  add(caller: Caller, ref: ProjectRef, member: RawEntity & { role_id?: number }): Promise<number>
  setRole(caller: Caller, ref: ProjectRef, id: number, roleId: number | undefined): Promise<void>
  remove(caller: Caller, ref: ProjectRef, id: number): Promise<void>
}

export function createMembers(deps: {
  database: Database
  door: ProjectDoor
  access: AccessChanges
  audit: AuditTrail
  findEntity: FindEntity
}): Members {
  const { database, door, access, audit, findEntity } = deps

  async function enterToChange(caller: Caller, ref: ProjectRef, action: string): Promise<number> {
    const { project } = await door.enter(caller, ref, 'member', action)
    if (project.state !== 'open') throw new PreconditionFailed('the project is being deleted')
    return project.id
  }

  /** The member, locked until the transaction ends. */
  async function lock(tx: Transaction, projectId: number, id: number): Promise<Member> {
    const member = await memberStore.lock(tx, projectId, id)
    if (!member) throw memberNotFound(id)
    return member
  }

  return {
    async list(caller, ref, name, page) {
      const { project } = await door.enter(caller, ref, 'member', 'list')
      return memberStore.list(database, project.id, name, page)
    },

    async get(caller, ref, id) {
      const { project } = await door.enter(caller, ref, 'member', 'read')
      const member = await memberStore.find(database, project.id, id)
      if (!member) throw memberNotFound(id)
      return member
    },

    async add(caller, ref, raw) {
      const projectId = await enterToChange(caller, ref, 'create')
      const { id: roleId, name: role } = parseRole(raw.role_id)
      const entity = await findEntity(caller, raw)
      return access.change(caller, async (tx) => {
        if (!(await projectStore.holdOpen(tx, [projectId])))
          throw new PreconditionFailed('the project is being deleted')
        if (!(await memberStore.hold(tx, entity))) throw new NotFound(`no such ${entity.kind}`)
        const result = await memberStore.insert(tx, { projectId, entity, roleId }).catch(conflict)
        await audit.record(tx, caller, {
          operation: 'create',
          resourceType: 'member',
          resource: entity.name,
          projectId,
          description: `${entity.kind} as ${role}`,
        })
        return { touches: [projectId], result }
      })
    },

    async setRole(caller, ref, id, newRoleId) {
      const projectId = await enterToChange(caller, ref, 'update')
      const { id: roleId, name: role } = parseRole(newRoleId)
      await access.change(caller, async (tx) => {
        const member = await lock(tx, projectId, id)
        await memberStore.update(tx, member, roleId)
        await audit.record(tx, caller, {
          operation: 'update',
          resourceType: 'member',
          resource: member.entity.name,
          projectId,
          description: `role ${findRole(member.roleId)?.name} to ${role}`,
        })
        return { touches: [projectId], result: undefined }
      })
    },

    async remove(caller, ref, id) {
      const projectId = await enterToChange(caller, ref, 'delete')
      await access.change(caller, async (tx) => {
        const member = await lock(tx, projectId, id)
        await memberStore.remove(tx, member)
        await audit.record(tx, caller, {
          operation: 'delete',
          resourceType: 'member',
          resource: member.entity.name,
          projectId,
          description: `${member.entity.kind}, was ${findRole(member.roleId)?.name}`,
        })
        return { touches: [projectId], result: undefined }
      })
    },
  }
}

function parseRole(id: number | undefined): { id: RoleId; name: string } {
  const role = findRole(id ?? 0)
  if (!role) throw new BadRequest('the role must be one of 1, 2, 3, 4 and 5')
  return role
}

function memberNotFound(id: number): NotFound {
  return new NotFound(`the project has no member ${id}`)
}

function conflict(err: unknown): never {
  if (isUniqueViolation(err, 'members_project_id_user_id_key')) {
    throw new Conflict('the user is a member of the project already')
  }
  if (isUniqueViolation(err, 'members_project_id_group_id_key')) {
    throw new Conflict('the group is a member of the project already')
  }
  throw err
}
