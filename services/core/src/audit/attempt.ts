import type { AuditEntry, AuditOperation, AuditResource } from './audit-entry.ts'

/** What a request tried to change, as its method and path say. */
export interface Attempt extends Pick<AuditEntry, 'operation' | 'resourceType' | 'resource'> {
  /** The project in the path, by name or id. */
  project?: string
}

const OPERATIONS: Readonly<Record<string, AuditOperation>> = {
  POST: 'create',
  PUT: 'update',
  PATCH: 'update',
  DELETE: 'delete',
}

// Routes do not mind capital letters, nor do we.
const BASE = /^\/api\/(?:v2\.0|berth\/v1)\//i

/** What administrators can do beside the API. */
const BESIDE: ReadonlyMap<string, AuditResource> = new Map([
  ['/api/internal/renameadmin', 'user'],
  ['/api/internal/syncquota', 'quota'],
])

/** What stands after `/projects/{project}/`, and what it is. */
const IN_PROJECT: Readonly<Record<string, AuditResource>> = {
  members: 'member',
  metadatas: 'metadata',
  immutabletagrules: 'immutable-tag',
  robots: 'robot',
}

/** The first part of other paths. */
const ELSEWHERE: Readonly<Record<string, AuditResource>> = {
  users: 'user',
  usergroups: 'usergroup',
  robots: 'robot',
  labels: 'label',
  quotas: 'quota',
  configurations: 'configuration',
  'access-tokens': 'access-token',
}

/** Reads a request that changes something; undefined for the others and for what is no thing of the audit log. */
export function findAttempt(method: string, path: string): Attempt | undefined {
  const operation = OPERATIONS[method]
  if (operation === undefined) return undefined
  const beside = BESIDE.get(path.toLowerCase().replace(/\/$/, ''))
  if (beside) return { operation: 'update', resource: '', resourceType: beside }
  if (!BASE.test(path)) return undefined
  const [head = '', ...rest] = path.replace(BASE, '').split('/').filter(Boolean).map(decoded)
  const first = head.toLowerCase()
  const second = rest[0]?.toLowerCase()
  if (first === 'projects') return { operation, ...inProject(rest) }
  if (first === 'system' && second === 'cveallowlist') {
    return { operation, resourceType: 'allowlist', resource: 'system' }
  }
  if (first === 'ldap' && rest[1]?.toLowerCase() === 'import') return { operation, resourceType: 'user', resource: '' }
  if (first === 'token' && second === 'rotate-key') return { operation, resourceType: 'key', resource: '' }
  const resourceType = Object.hasOwn(ELSEWHERE, first) ? ELSEWHERE[first] : undefined
  return resourceType && { operation, resourceType, resource: rest[0] ?? '' }
}

function inProject([project, part = '', ...rest]: string[]): Omit<Attempt, 'operation'> {
  if (project === undefined) return { resourceType: 'project', resource: '' }
  const kind = part.toLowerCase()
  if (kind === 'repositories')
    return { project, ...inRepository(`${project}/${decoded(rest[0] ?? '')}`, rest.slice(1)) }
  const resourceType = Object.hasOwn(IN_PROJECT, kind) ? IN_PROJECT[kind] : undefined
  if (resourceType === undefined) return { project, resourceType: 'project', resource: project }
  return { project, resourceType, resource: rest[0] === undefined ? project : `${project}/${rest[0]}` }
}

function inRepository(repository: string, [, reference, part, name]: string[]): Omit<Attempt, 'operation'> {
  const kind = part?.toLowerCase()
  if (reference === undefined) return { resourceType: 'repository', resource: repository }
  const isDigest = reference.includes(':')
  const artifact = `${repository}${isDigest ? '@' : ':'}${reference}`
  if (kind === 'tags') return { resourceType: 'tag', resource: name === undefined ? artifact : `${repository}:${name}` }
  return { resourceType: kind === 'labels' ? 'label' : 'artifact', resource: artifact }
}

/** Names of repositories are escaped twice; what cannot be unescaped stays. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
