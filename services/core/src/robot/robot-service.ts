import { isDeepStrictEqual } from 'node:util'
import {
  type Database,
  isUniqueViolation,
  type Page,
  parseListQuery,
  parseSort,
  type Term,
  type Transaction,
} from '@berth/db'
import { BadRequest, Conflict, Denied, NotFound, PreconditionFailed } from '@berth/errors'
import { refusal, requireSignedIn, requireSystem } from '../access/index.ts'
import type { AuditEntry, AuditTrail } from '../audit/index.ts'
import { type Caller, isAdmin, type RobotCaller } from '../caller/caller.ts'
import { type AccessChanges, type ProjectDoor, projectStore } from '../project/index.ts'
import type { Settings } from '../setting/settings.ts'
import { parseNewPassword } from '../user/user.ts'
import {
  grantsOf,
  hashRobotSecret,
  newRobotSecret,
  parseRobotChange,
  parseRobotRequest,
  type RawRobot,
  type RawRobotChange,
  type Robot,
  type RobotPermission,
  type RobotRequest,
  robotLogin,
} from './robot.ts'
import { robotStore } from './robot-store.ts'

/** The use cases of robots; each decides whether its caller may. */
export interface Robots {
  list(caller: Caller, query: { q?: string; sort?: string }, page: Page): Promise<{ robots: Robot[]; total: number }>
  /** The secret is never to be had again. */
  create(caller: Caller, raw: RawRobot): Promise<{ robot: Robot; secret: string }>
  get(caller: Caller, id: number): Promise<Robot>
  /** What it may no longer do its tokens may not either, before the answer. */
  update(caller: Caller, id: number, raw: RawRobotChange): Promise<void>
  /** Gives it this secret, or a new one, which is answered; the one before and tokens made with it end at once. */
  refresh(caller: Caller, id: number, secret: string | undefined): Promise<string | undefined>
  /** Gives it a new secret, beside which the one before holds for so many seconds more. */
  rotate(caller: Caller, id: number, overlapSeconds: number): Promise<{ secret: string; previousUntil: Date }>
  delete(caller: Caller, id: number): Promise<void>
}

export function createRobots(deps: {
  database: Database
  door: ProjectDoor
  access: AccessChanges
  audit: AuditTrail
  settings: Settings
  secretKey: Buffer
}): Robots {
  const { database, door, access, audit, settings, secretKey } = deps
  const login = (robot: Pick<Robot, 'name' | 'project'>) => robotLogin(robot, settings.get('robot_name_prefix'))
  const entry = (robot: Robot, operation: AuditEntry['operation'], description?: string): AuditEntry => ({
    operation,
    resourceType: 'robot',
    resource: login(robot),
    projectId: robot.project?.id,
    description,
  })

  /** At the robot's own level; whether there is such a robot only administrators learn. */
  async function enter(caller: Caller, id: number, action: string): Promise<Robot> {
    requireSignedIn(caller)
    const robot = await robotStore.find(database, id)
    if (!robot) throw isAdmin(caller) ? robotNotFound(id) : refusal(caller)
    if (robot.project) await door.enter(caller, { id: robot.project.id }, 'robot', action)
    else requireSystem(caller, 'robot', action)
    return robot
  }

  /** Turns the names of projects into ids and sees that the caller gives nothing they do not have. */
  async function resolve(caller: Caller, request: Pick<RobotRequest, 'permissions'>): Promise<RobotPermission[]> {
    const names = request.permissions.filter(({ kind }) => kind === 'project').map(({ namespace }) => namespace)
    const found = await projectStore.byNames(
      database,
      names.filter((name) => name !== '*'),
    )
    const projects = new Map(found.map((project) => [project.name, project]))
    const resolved = request.permissions.map(({ kind, namespace, access: pairs }): RobotPermission => {
      if (kind === 'system') return { scope: 'system', access: pairs }
      if (namespace === '*') return { scope: 'every project', access: pairs }
      const project = projects.get(namespace)
      // A robot that has no right in every project does not learn which projects there are.
      if (!project && caller.kind === 'robot') requireHas(caller, { scope: 'every project', access: pairs })
      if (!project) throw new NotFound(`project ${namespace} not found`)
      return { scope: project.id, access: pairs }
    })
    if (caller.kind === 'robot') for (const permission of resolved) requireHas(caller, permission)
    return resolved
  }

  /** As it is until the transaction ends. */
  async function locked(tx: Transaction, id: number): Promise<Robot> {
    const robot = (await robotStore.lock(tx, id)) ? await robotStore.find(tx, id) : undefined
    if (!robot) throw robotNotFound(id)
    return robot
  }

  return {
    async list(caller, { q, sort }, page) {
      requireSignedIn(caller)
      const terms = parseListQuery(q)
      const projectId = projectOf(terms)
      if (projectId === undefined) requireSystem(caller, 'robot', 'list')
      else await door.enter(caller, { id: projectId }, 'robot', 'list')
      return robotStore.list(database, projectId, { terms, sort: parseSort(sort) }, page)
    },

    async create(caller, raw) {
      requireSignedIn(caller)
      const request = parseRobotRequest(raw)
      const { name, description, durationDays, level } = request
      let projectId: number | undefined
      if (level === 'system') requireSystem(caller, 'robot', 'create')
      else {
        const ref = { name: request.permissions[0]?.namespace ?? '' }
        projectId = (await door.enter(caller, ref, 'robot', 'create')).project.id
      }
      const permissions = await resolve(caller, request)
      const secret = newRobotSecret()
      const secretHash = hashRobotSecret(secretKey, secret)
      const creator = { kind: caller.kind, id: caller.id }
      const robot = await database.transaction(async (tx) => {
        await holdProjects(tx, permissions, projectId)
        const id = await robotStore
          .insert(tx, { name, projectId, description, secretHash, durationDays, creator, permissions })
          .catch(conflict)
        const made = (await robotStore.find(tx, id)) as Robot
        await audit.record(tx, caller, entry(made, 'create'))
        return made
      })
      return { robot, secret }
    },

    get: (caller, id) => enter(caller, id, 'read'),

    async update(caller, id, raw) {
      const robot = await enter(caller, id, 'update')
      const { permissions: asked, ...change } = parseRobotChange(raw, robot, login(robot))
      const permissions = await resolve(caller, { permissions: asked })
      await access.change(caller, async (tx) => {
        const before = await locked(tx, id)
        await holdProjects(tx, permissions, before.project?.id)
        await robotStore.update(tx, id, { ...change, permissions })
        await audit.record(tx, caller, entry(robot, 'update'))
        const narrowed = !isDeepStrictEqual(grantsOf(before.permissions), grantsOf(permissions))
        const ended = change.disabled || change.durationDays !== before.durationDays
        return { touches: narrowed || ended ? touchedBy(before) : [], result: undefined }
      })
    },

    async refresh(caller, id, given) {
      await enter(caller, id, 'update')
      const secret = given ? parseNewPassword(given) : newRobotSecret()
      await access.change(caller, async (tx) => {
        const before = await locked(tx, id)
        await robotStore.setSecret(tx, id, hashRobotSecret(secretKey, secret), 0)
        await audit.record(tx, caller, entry(before, 'update', 'its secret was replaced'))
        return { touches: touchedBy(before), result: undefined }
      })
      return given ? undefined : secret
    },

    async rotate(caller, id, overlapSeconds) {
      await enter(caller, id, 'update')
      const secret = newRobotSecret()
      await database.transaction(async (tx) => {
        const robot = await locked(tx, id)
        await robotStore.setSecret(tx, id, hashRobotSecret(secretKey, secret), overlapSeconds)
        await audit.record(tx, caller, entry(robot, 'update', 'its secret was rotated'))
      })
      return { secret, previousUntil: new Date(Date.now() + overlapSeconds * 1_000) }
    },

    async delete(caller, id) {
      await enter(caller, id, 'delete')
      await access.change(caller, async (tx) => {
        const robot = await locked(tx, id)
        await robotStore.remove(tx, id)
        await audit.record(tx, caller, entry(robot, 'delete'))
        return { touches: touchedBy(robot), result: undefined }
      })
    },
  }
}

/** A robot gives only what it was itself given, in the same scope or in every project. */
function requireHas({ grants }: RobotCaller, { scope, access }: RobotPermission): void {
  for (const { resource, action } of access) {
    const has = grants.some(
      (grant) =>
        grant.resource === resource &&
        grant.action === action &&
        (grant.scope === scope || (grant.scope === 'every project' && typeof scope === 'number')),
    )
    if (!has) throw new Denied(`permission denied: the robot does not have ${resource}:${action} there itself`)
  }
}

/** @throws {PreconditionFailed} a project the robot is of, or is to be given something in, is about to go */
async function holdProjects(
  tx: Transaction,
  permissions: readonly RobotPermission[],
  own: number | undefined,
): Promise<void> {
  const named = permissions.flatMap(({ scope }) => (typeof scope === 'number' ? [scope] : []))
  if (await projectStore.holdOpen(tx, own === undefined ? named : [own, ...named])) return
  throw new PreconditionFailed('a project of the robot is being deleted')
}

/** Which projects it may hold tokens for. */
function touchedBy({ permissions }: Robot): number[] | 'all' {
  if (permissions.some(({ scope }) => scope === 'every project')) return 'all'
  return permissions.flatMap(({ scope }) => (typeof scope === 'number' ? [scope] : []))
}

/** The project whose robots are asked for; `undefined`: those of level system. */
function projectOf(terms: readonly Term[]): number | undefined {
  const exact = (key: string) => {
    const term = terms.find((one) => one.key === key)
    return term?.kind === 'exact' ? term.value : undefined
  }
  const level = exact('Level') ?? 'system'
  if (level === 'system') return undefined
  if (level !== 'project') throw new BadRequest('Level must be system or project')
  const id = exact('ProjectID') ?? ''
  if (!/^\d{1,15}$/.test(id)) throw new BadRequest('Level=project needs ProjectID')
  return Number(id)
}

function robotNotFound(id: number): NotFound {
  return new NotFound(`robot ${id} not found`)
}

function conflict(err: unknown): never {
  if (isUniqueViolation(err, 'robots_project_id_name_key')) throw new Conflict('a robot of this name exists already')
  throw err
}
