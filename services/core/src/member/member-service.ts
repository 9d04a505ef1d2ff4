import { type Database, isUniqueViolation, type Page } from '@berth/db'
import { BadRequest, Conflict, NotFound, PreconditionFailed } from '@berth/errors'
import { findRole, type RoleId } from '../access/index.ts'
import type { Caller } from '../caller/caller.ts'
import type { AccessChanges, ProjectDoor, ProjectRef } from '../project/index.ts'
import { userStore } from '../user/index.ts'
import { type Member, memberStore } from './member-store.ts'

/** Who is meant by the body of a new member. */
interface NewMember {
  role_id?: number
  member_user?: { user_id?: number; username?: string }
  member_group?: unknown
}

/** The use cases of members. Every change is in force, for tokens too, before it is answered. */
export interface Members {
  list(
    caller: Caller,
    ref: ProjectRef,
    name: string | undefined,
    page: Page,
  ): Promise<{ members: Member[]; total: number }>
  get(caller: Caller, ref: ProjectRef, id: number): Promise<Member>
  add(caller: Caller, ref: ProjectRef, member: NewMember): Promise<number>
  setRole(caller: Caller, ref: ProjectRef, id: number, roleId: number | undefined): Promise<void>
  remove(caller: Caller, ref: ProjectRef, id: number): Promise<void>
}

export function createMembers(deps: { database: Database; door: ProjectDoor; access: AccessChanges }): Members {
  const { database, door, access } = deps

  async function enterToChange(caller: Caller, ref: ProjectRef, action: string): Promise<number> {
    const { project } = await door.enter(caller, ref, 'member', action)
    if (project.state !== 'open') throw new PreconditionFailed('the project is being deleted')
    return project.id
  }

  async function resolveUser({ member_user, member_group }: NewMember): Promise<number> {
    if (member_user?.user_id) {
      const user = await userStore.find(database, member_user.user_id)
      if (user) return user.id
    } else if (member_user?.username) {
      const account = await userStore.accountByName(database, member_user.username)
      if (account) return account.id
    } else if (member_group) {
      throw new BadRequest('member_group is not supported: there are no groups yet')
    } else {
      throw new BadRequest('a member needs a user id or a user name')
    }
    throw new NotFound('no such user')
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

    async add(caller, ref, member) {
      const projectId = await enterToChange(caller, ref, 'create')
      const roleId = parseRole(member.role_id)
      const userId = await resolveUser(member)
      return access.change(caller, async (tx) => {
        const result = await memberStore.insert(tx, { projectId, userId, roleId }).catch((err: unknown) => {
          if (isUniqueViolation(err, 'members_project_id_user_id_key')) {
            throw new Conflict('the user is a member of the project already')
          }
          throw err
        })
        return { touches: [projectId], result }
      })
    },

    async setRole(caller, ref, id, roleId) {
      const projectId = await enterToChange(caller, ref, 'update')
      const role = parseRole(roleId)
      await access.change(caller, async (tx) => {
        if (!(await memberStore.update(tx, projectId, id, role))) throw memberNotFound(id)
        return { touches: [projectId], result: undefined }
      })
    },

    async remove(caller, ref, id) {
      const projectId = await enterToChange(caller, ref, 'delete')
      await access.change(caller, async (tx) => {
        if (!(await memberStore.remove(tx, projectId, id))) throw memberNotFound(id)
        return { touches: [projectId], result: undefined }
      })
    },
  }
}

function parseRole(id: number | undefined): RoleId {
  const role = findRole(id ?? 0)
  if (!role) throw new BadRequest('the role must be one of 1, 2, 3, 4 and 5')
  return role.id
}

function memberNotFound(id: number): NotFound {
  return new NotFound(`the project has no member ${id}`)
}
