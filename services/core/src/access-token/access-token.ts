import { createHmac, randomBytes } from 'node:crypto'
import { BadRequest } from '@berth/errors'
import { PROJECT_PERMISSIONS, SYSTEM_PAIRS } from '../access/index.ts'
import type { RobotGrant } from '../caller/caller.ts'
import { SYSTEM_CATALOGUE } from '../robot/robot-catalogue.ts'

export interface TokenAccess {
  resource: string
  action: string
}

/** What a token may do in one scope, as far as its person may. */
export interface TokenPermission {
  scope: RobotGrant['scope']
  /** Of scope a project. */
  projectName?: string
  access: readonly TokenAccess[]
}

export interface AccessToken {
  id: number
  userId: number
  name: string
  description: string
  createdAt: Date
  expiresAt: Date
  /** To within five minutes. */
  lastUsedAt: Date | null
  permissions: readonly TokenPermission[]
}

/** A token as a person asks for it; projects are still names. */
export interface TokenRequest {
  name: string
  description: string
  lifeDays: number
  permissions: { kind: 'system' | 'project'; namespace: string; access: TokenAccess[] }[]
}

export interface RawToken {
  name?: string
  description?: string
  expires_in_days?: number
  permissions?: { kind?: string; namespace?: string; access?: { resource?: string; action?: string }[] }[]
}

const PREFIX = 'berth_pat_'
const TOKEN = /^berth_pat_[A-Za-z0-9_-]{43}$/
const SECRET_BYTES = 32
const DEFAULT_LIFE_DAYS = 30
const MAX_LIFE_DAYS = 366
const MAX_PERMISSIONS = 50
const MAX_NAME_CHARS = 100
const MAX_DESCRIPTION_CHARS = 1_024

// A robot outlives the token that made it and need not be as narrow, so no token makes or changes one.
const NEVER = new Set(['robot:create', 'robot:update'])
const PROJECT_PAIRS = new Set(PROJECT_PERMISSIONS.map(keyOf).filter((key) => !NEVER.has(key)))
const SYSTEM_KEYS = new Set(
  [
    ...SYSTEM_PAIRS.map(keyOf),
    ...Object.entries(SYSTEM_CATALOGUE).flatMap(([resource, actions]) =>
      actions.map((action) => keyOf({ resource, action })),
    ),
  ].filter((key) => !NEVER.has(key)),
)

/** @throws {BadRequest} whatever a token cannot have */
export function parseTokenRequest(raw: RawToken): TokenRequest {
  const { description = '', expires_in_days: lifeDays = DEFAULT_LIFE_DAYS, permissions = [] } = raw
  const name = (raw.name ?? '').trim()
  if (name === '' || name.length > MAX_NAME_CHARS || /\p{Cc}/u.test(name)) {
    throw new BadRequest('the name of a token must have 1 to 100 characters')
  }
  if (description.length > MAX_DESCRIPTION_CHARS)
    throw new BadRequest('the description must have at most 1024 characters')
  if (!Number.isInteger(lifeDays) || lifeDays < 1 || lifeDays > MAX_LIFE_DAYS) {
    throw new BadRequest('a token lives 1 to 366 days')
  }
  if (permissions.length === 0 || permissions.length > MAX_PERMISSIONS) {
    throw new BadRequest('a token needs 1 to 50 permissions')
  }
  const parsed = permissions.map(parsePermission)
  if (new Set(parsed.map(({ kind, namespace }) => `${kind} ${namespace}`)).size < parsed.length) {
    throw new BadRequest('each namespace can be named once')
  }
  return { name, description, lifeDays, permissions: parsed }
}

function parsePermission(raw: NonNullable<RawToken['permissions']>[number]): TokenRequest['permissions'][number] {
  const { kind, namespace = '', access = [] } = raw
  if (kind !== 'system' && kind !== 'project') throw new BadRequest('the kind of a permission is system or project')
  if (kind === 'system' && namespace !== '/') throw new BadRequest('the namespace of system permissions is /')
  if (kind === 'project' && namespace === '') throw new BadRequest('a permission needs the name of a project, or *')
  if (access.length === 0) throw new BadRequest('a permission needs at least one access')
  const known = kind === 'system' ? SYSTEM_KEYS : PROJECT_PAIRS
  const pairs = new Map<string, TokenAccess>()
  for (const { resource = '', action = '' } of access) {
    const key = keyOf({ resource, action })
    if (!known.has(key)) throw new BadRequest(`a token cannot be given ${key} at ${kind} level`)
    pairs.set(key, { resource, action })
  }
  return { kind, namespace, access: [...pairs.values()] }
}

/** Whether a password has the form of a token; nothing is looked up for what has not. */
export function isAccessToken(text: string): boolean {
  return TOKEN.test(text)
}

export function newAccessToken(): string {
  return PREFIX + randomBytes(SECRET_BYTES).toString('base64url')
}

export function hashAccessToken(key: Buffer, token: string): Buffer {
  return createHmac('sha256', key).update(token).digest()
}

export function tokenGrants(permissions: readonly TokenPermission[]): RobotGrant[] {
  return permissions.flatMap(({ scope, access }) => access.map((pair) => ({ scope, ...pair })))
}

function keyOf({ resource, action }: TokenAccess): string {
  return `${resource}:${action}`
}
