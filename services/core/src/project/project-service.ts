import { type Database, isUniqueViolation, type Page, type Transaction, tell } from '@berth/db'
import { Conflict, Forbidden } from '@berth/errors'
import { projectCreated } from '@berth/types'
import {
  projectPermits,
  refusal,
  requireSignedIn,
  requireSystem,
  rolesIn,
  systemPermits,
  tokenAllows,
} from '../access/index.ts'
import { type Allowlist, allowlistStore } from '../allowlist/index.ts'
import type { AuditEntry, AuditTrail } from '../audit/index.ts'
import { actorOf, type Caller, isAdmin, type RobotGrant } from '../caller/caller.ts'
import type { Settings } from '../setting/settings.ts'
import { ADMIN_ID } from '../user/index.ts'
import type { PolicyChanges } from './policy-changes.ts'
import { policyStore } from './policy-store.ts'
import { type Project, type ProjectRef, parseProjectName, parseStorageLimit } from './project.ts'
import type { ProjectDeletion } from './project-deletion.ts'
import { createProjectDoor, type Entered } from './project-door.ts'
import { type ProjectRequest, policyOf, refuseProxy } from './project-request.ts'
import { type ProjectListQuery, projectStore, type Visibility } from './project-store.ts'
import type { ProjectHoldings, RegistryPolicy } from './registry-policy.ts'
import { registryProjects } from './registry-projects.ts'

const NOTHING: ProjectHoldings = { repositories: 0, usedBytes: 0 }

/** A project as it is shown. */
interface Seen {
  entered: Entered
  /** Its own; absent when nobody gave it one. */
  allowlist: Allowlist | undefined
}

interface Listed extends Seen {
  detail?: ProjectHoldings
}

/** The use cases of projects; each decides whether its caller may. */
export interface Projects {
  list(
    caller: Caller,
    query: ProjectListQuery & { detail: boolean },
    page: Page,
  ): Promise<{ projects: Listed[]; total: number }>
  /** Whether there is a project of this name; for whoever has signed in. */
  exists(caller: Caller, name: string): Promise<boolean>
  create(caller: Caller, request: ProjectRequest): Promise<Project>
  get(caller: Caller, ref: ProjectRef): Promise<Seen & { holdings: ProjectHoldings }>
  update(caller: Caller, ref: ProjectRef, request: ProjectRequest): Promise<void>
  delete(caller: Caller, ref: ProjectRef): Promise<void>
  deletable(caller: Caller, ref: ProjectRef): Promise<{ deletable: boolean; message: string }>
}

export function createProjects(deps: {
  database: Database
  registry: RegistryPolicy
  policies: PolicyChanges
  deletion: ProjectDeletion
  settings: Settings
  audit: AuditTrail
  poke: () => void
}): Projects {
  const { database, registry, policies, deletion, settings, audit, poke } = deps
  const door = createProjectDoor(database)
  const holdingsOf = async (id: number) => (await registry.holdings([id])).get(id) ?? NOTHING

  return {
    async list(caller, { detail, ...query }, page) {
      const { projects, total } = await projectStore.list(database, visibilityOf(caller), query, page)
      const ids = projects.map(({ id }) => id)
      const roles = await rolesIn(database, caller, ids)
      const allowlists = await allowlistStore.ofProjects(database, ids)
      const holdings = detail ? await registry.holdings(ids) : undefined
      const listed = projects.map((project) => {
        const mine = roles.get(project.id) ?? []
        const entered = { project, roles: mine, permits: projectPermits(caller, project, mine) }
        return {
          entered,
          allowlist: allowlists.get(project.id),
          detail: holdings && (holdings.get(project.id) ?? NOTHING),
        }
      })
      return { projects: listed, total }
    },

    async exists(caller, name) {
      requireSignedIn(caller)
      return (await projectStore.find(database, { name })) !== undefined
    },

    async create(caller, request) {
      requireMayCreate(caller, settings)
      const name = parseProjectName(request.project_name)
      const policy = policyOf(request)
      refuseProxy(request)
      const asked = isAdmin(caller) ? request.storage_limit : undefined
      const storageLimitBytes = asked == null ? settings.get('storage_per_project') : parseStorageLimit(asked)
      const ownerId = caller.kind === 'user' ? caller.id : ADMIN_ID
      const { project, told } = await database.transaction(async (tx) => {
        await policyStore.holdSuite(tx)
        const id = await projectStore
          .insert(tx, { name, ownerId, public: policy.public ?? false, storageLimitBytes })
          .catch(conflict(name))
        await projectStore.insertOwner(tx, id, ownerId)
        await store(tx, id, policy)
        const created = (await projectStore.find(tx, { id })) as Project
        const [data] = await registryProjects(tx, [created])
        if (data) await tell(tx, projectCreated, { revision: 1, actor: actorOf(caller), data: { project: data } })
        await audit.record(tx, caller, entry('create', created))
        tx.afterCommit(poke)
        return { project: created, told: data ? [data] : [] }
      })
      await registry.inForce(told)
      return project
    },

    async get(caller, ref) {
      const entered = await door.enter(caller, ref, 'project', 'read')
      const { id } = entered.project
      const [allowlist, holdings] = await Promise.all([allowlistStore.ofProject(database, id), holdingsOf(id)])
      return { entered, allowlist, holdings }
    },

    async update(caller, ref, request) {
      const { project } = await door.enter(caller, ref, 'project', 'update')
      const policy = policyOf(request)
      await policies.change(
        caller,
        project.id,
        async (tx) => {
          await store(tx, project.id, policy)
          await audit.record(tx, caller, entry('update', project))
        },
        { public: policy.public },
      )
    },

    async delete(caller, ref) {
      const { project } = await door.enter(caller, ref, 'project', 'delete')
      await deletion.delete(project, caller)
    },

    async deletable(caller, ref) {
      const { project } = await door.enter(caller, ref, 'project', 'delete')
      const { repositories } = await holdingsOf(project.id)
      if (repositories === 0) return { deletable: true, message: '' }
      return { deletable: false, message: 'the project contains repositories, can not be deleted' }
    },
  }
}

async function store(tx: Transaction, id: number, { values, allowlist }: ReturnType<typeof policyOf>): Promise<void> {
  await projectStore.setMetadata(tx, id, values)
  if (allowlist) await allowlistStore.put(tx, id, allowlist)
}

function entry(operation: 'create' | 'update', { id, name }: Project): AuditEntry {
  return { operation, resourceType: 'project', resource: name, projectId: id }
}

function conflict(name: string) {
  return (err: unknown): never => {
    if (isUniqueViolation(err, 'projects_name_key')) throw new Conflict(`the project named ${name} already exists`)
    throw err
  }
}

function requireMayCreate(caller: Caller, settings: Settings): void {
  requireSignedIn(caller)
  if (caller.kind === 'robot') {
    if (caller.level === 'project') throw refusal(caller)
    requireSystem(caller, 'project', 'create')
    return
  }
  if (!tokenAllows(caller, 'project', 'create')) throw refusal(caller)
  const isRestricted = settings.get('project_creation_restriction') === 'adminonly'
  if (isRestricted && !systemPermits(caller)('project', 'create')) {
    throw new Forbidden('Only system admin can create project')
  }
}

function visibilityOf(caller: Caller): Visibility {
  if (systemPermits(caller)('project', 'list')) return { kind: 'all' }
  if (caller.kind === 'anonymous') return { kind: 'public' }
  // As in Harbor a robot sees whatever it was given something in.
  if (caller.kind === 'robot') return granted(caller.grants)
  const { id: memberId, token } = caller
  if (!token) return { kind: 'public', memberId }
  const within = granted(token.grants.filter(({ resource, action }) => resource === 'project' && action === 'read'))
  if (token.ownerIsAdmin) return within
  return within.kind === 'all' ? { kind: 'public', memberId } : { kind: 'public', memberId, among: within.ids ?? [] }
}

function granted(grants: readonly RobotGrant[]): Visibility {
  if (grants.some(({ scope }) => scope === 'every project')) return { kind: 'all' }
  return {
    kind: 'public',
    ids: [...new Set(grants.flatMap(({ scope }) => (typeof scope === 'number' ? [scope] : [])))],
  }
}
