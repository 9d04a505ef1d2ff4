import { createHmac, randomInt, timingSafeEqual } from 'node:crypto'
import { BadRequest } from '@berth/errors'
import type { RobotGrant } from '../caller/caller.ts'
import { catalogueHas, PROJECT_CATALOGUE, SYSTEM_CATALOGUE } from './robot-catalogue.ts'

export interface RobotAccess {
  resource: string
  action: string
}

/** What a robot may do in one scope. */
export interface RobotPermission {
  scope: RobotGrant['scope']
  access: readonly RobotAccess[]
}

export interface Robot {
  id: number
  /** Without prefix and project. */
  name: string
  /** The project of a robot of level `project`. */
  project?: { id: number; name: string }
  description: string
  /** Days from its creation; -1 is for ever. */
  durationDays: number
  disabled: boolean
  creator: { kind: 'user' | 'robot'; id: number }
  /** Raised by every change. */
  revision: number
  createdAt: Date
  updatedAt: Date
  permissions: readonly (RobotPermission & { projectName?: string })[]
}

/** A robot as its maker asks for it; projects are still names. */
export interface RobotRequest {
  name: string
  description: string
  level: 'system' | 'project'
  durationDays: number
  permissions: { kind: 'system' | 'project'; namespace: string; access: RobotAccess[] }[]
}

const NAME = /^[a-z0-9]+(?:[._-][a-z0-9]+)*$/
const MAX_DURATION_DAYS = 2_147_483_646
const MAX_PERMISSIONS = 500
const DAY_SECONDS = 86_400
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const SECRET_CHARS = 32

/** The raw body of a robot's creation. */
export interface RawRobot {
  name?: string
  description?: string
  level?: string
  duration?: number
  permissions?: {
    kind?: string
    namespace?: string
    access?: { resource?: string; action?: string; effect?: string }[]
  }[]
}

/** @throws {BadRequest} whatever Harbor does not let a robot have */
export function parseRobotRequest(raw: RawRobot): RobotRequest {
  const { name = '', description = '', level, duration = 0, permissions = [] } = raw
  if (name.length > 255 || !NAME.test(name)) {
    throw new BadRequest('the robot name must have 1 to 255 lower-case letters and digits, parted by ".", "_" or "-"')
  }
  if (description.length > 1_024) throw new BadRequest('the description must have at most 1024 characters')
  if (level !== 'system' && level !== 'project') throw new BadRequest('the level must be system or project')
  if (duration !== -1 && (!Number.isInteger(duration) || duration < 1 || duration > MAX_DURATION_DAYS)) {
    throw new BadRequest('the duration must be -1 or a number of days from 1 on')
  }
  if (permissions.length === 0 || permissions.length > MAX_PERMISSIONS) {
    throw new BadRequest('a robot needs at least one permission')
  }
  const parsed = permissions.map(parsePermission)
  if (level === 'project' && (parsed.length !== 1 || parsed[0]?.kind !== 'project' || parsed[0].namespace === '*')) {
    throw new BadRequest('a robot of a project has one permission, in its own project')
  }
  return { name, description, level, durationDays: duration, permissions: parsed }
}

function parsePermission(raw: NonNullable<RawRobot['permissions']>[number]): RobotRequest['permissions'][number] {
  const { kind, namespace = '', access = [] } = raw
  if (kind !== 'system' && kind !== 'project') throw new BadRequest('the kind of a permission is system or project')
  if (kind === 'system' && namespace !== '/') throw new BadRequest('the namespace of system permissions is /')
  if (kind === 'project' && namespace === '') throw new BadRequest('a permission needs the name of a project')
  if (access.length === 0) throw new BadRequest('a permission needs at least one access')
  const catalogue = kind === 'system' ? SYSTEM_CATALOGUE : PROJECT_CATALOGUE
  const pairs = new Map<string, RobotAccess>()
  for (const { resource = '', action = '', effect } of access) {
    if (effect && effect !== 'allow') throw new BadRequest('the effect of an access can only be allow')
    if (!catalogueHas(catalogue, resource, action)) {
      throw new BadRequest(`a robot cannot be given ${resource}:${action} at ${kind} level`)
    }
    pairs.set(`${resource}:${action}`, { resource, action })
  }
  return { kind, namespace, access: [...pairs.values()] }
}

/** The raw body of a robot's change; Harbor wants all of it. */
export type RawRobotChange = RawRobot & { disable?: boolean }

/** What of a robot can change. */
export type RobotChange = Pick<RobotRequest, 'description' | 'durationDays' | 'permissions'> & { disabled: boolean }

/**
 * @param login what the robot signs in with, which the body has to repeat
 * @throws {BadRequest} another name, level or project, or what no robot can have
 */
export function parseRobotChange(raw: RawRobotChange, robot: Robot, login: string): RobotChange {
  if (raw.name !== login || raw.level !== levelOf(robot)) {
    throw new BadRequest('the name and the level of a robot cannot be changed')
  }
  const { description, durationDays, permissions } = parseRobotRequest({ ...raw, name: robot.name })
  if (robot.project && permissions[0]?.namespace !== robot.project.name) {
    throw new BadRequest('the project of a robot cannot be changed')
  }
  return { description, durationDays, permissions, disabled: raw.disable ?? false }
}

export function levelOf(robot: Pick<Robot, 'project'>): 'system' | 'project' {
  return robot.project ? 'project' : 'system'
}

/** 32 letters and digits, upper and lower case and digits each among them. */
export function newRobotSecret(): string {
  for (;;) {
    const secret = Array.from({ length: SECRET_CHARS }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
    if (/[A-Z]/.test(secret) && /[a-z]/.test(secret) && /\d/.test(secret)) return secret
  }
}

export function hashRobotSecret(key: Buffer, secret: string): Buffer {
  return createHmac('sha256', key).update(secret).digest()
}

/** In constant time; without a stored hash the same work is done for nothing. */
export function isRobotSecret(key: Buffer, stored: Buffer | undefined, secret: string): boolean {
  const hashed = hashRobotSecret(key, secret)
  return timingSafeEqual(hashed, stored ?? Buffer.alloc(hashed.length)) && stored !== undefined
}

/** When it ends, in seconds since 1970; `undefined`: never. */
export function expirySeconds({
  createdAt,
  durationDays,
}: Pick<Robot, 'createdAt' | 'durationDays'>): number | undefined {
  // Not a Date: the longest duration lies beyond what one can hold.
  return durationDays === -1 ? undefined : Math.floor(createdAt.getTime() / 1_000) + durationDays * DAY_SECONDS
}

/** `robot$ci`, or `robot$library+ci` for a robot of a project. */
export function robotLogin({ name, project }: Pick<Robot, 'name' | 'project'>, prefix: string): string {
  return `${prefix}${project ? `${project.name}+` : ''}${name}`
}

/** The parts of a name robots sign in with; `undefined` when it does not begin with their prefix. */
export function parseRobotLogin(login: string, prefix: string): { name: string; project?: string } | undefined {
  if (!login.startsWith(prefix)) return undefined
  const rest = login.slice(prefix.length)
  const plus = rest.indexOf('+')
  return plus < 0 ? { name: rest } : { project: rest.slice(0, plus), name: rest.slice(plus + 1) }
}

export function grantsOf(permissions: readonly RobotPermission[]): RobotGrant[] {
  return permissions.flatMap(({ scope, access }) => access.map((pair) => ({ scope, ...pair })))
}
