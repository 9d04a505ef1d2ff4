import type { RoleId } from './role.ts'

/**
 * Who may do what in a project: one letter for each column that may. A projectAdmin, M maintainer, D developer,
 * G guest, L limitedGuest, P anybody at all while the project is public. `project` is the project itself.
 */
const PERMISSION_MATRIX = {
  accessory: { list: 'AMDGLP' },
  artifact: { create: 'AMD', read: 'AMDGLP', delete: 'AM', list: 'AMDGLP' },
  'artifact-addition': { read: 'AMDGLP' },
  'artifact-label': { create: 'AMD', delete: 'AMD' },
  configuration: { read: 'AMDGL', update: 'A' },
  'export-cve': { create: 'AMD', read: 'AMD', list: 'AMD' },
  'immutable-tag': { create: 'AM', update: 'AM', delete: 'AM', list: 'AM' },
  label: { create: 'AM', read: 'AMDGP', update: 'AM', delete: 'AM', list: 'AMDGP' },
  log: { list: 'A' },
  member: { create: 'A', read: 'AMDG', update: 'A', delete: 'A', list: 'AMDG' },
  metadata: { create: 'A', read: 'AM', update: 'A', delete: 'A' },
  'notification-policy': { create: 'A', read: 'AM', update: 'A', delete: 'A', list: 'AM' },
  'preheat-policy': { create: 'A', read: 'A', update: 'A', delete: 'A', list: 'A' },
  project: { read: 'AMDGLP', update: 'A', delete: 'A' },
  quota: { read: 'AMDGL' },
  repository: {
    create: 'AMD',
    read: 'AMDGL',
    update: 'AMD',
    delete: 'AM',
    list: 'AMDGLP',
    pull: 'AMDGLP',
    push: 'AMD',
  },
  robot: { create: 'A', read: 'AMDG', update: 'A', delete: 'A', list: 'AMDG' },
  sbom: { create: 'AM', read: 'AMDGL', stop: 'AM' },
  scan: { create: 'AM', read: 'AMDGLP', stop: 'AM' },
  scanner: { create: 'A', read: 'AMDGLP' },
  tag: { create: 'AMD', delete: 'AM', list: 'AMDGLP' },
  'tag-retention': { create: 'AMD', read: 'AMD', update: 'AMD', delete: 'AMD', list: 'AMD', operate: 'AMD' },
} as const

export type ProjectResource = keyof typeof PERMISSION_MATRIX
export const COLUMNS = {
  projectAdmin: 'A',
  maintainer: 'M',
  developer: 'D',
  guest: 'G',
  limitedGuest: 'L',
  public: 'P',
} as const
export type Column = keyof typeof COLUMNS

const COLUMN_OF_ROLE: Record<RoleId, Column> = {
  1: 'projectAdmin',
  2: 'developer',
  3: 'guest',
  4: 'maintainer',
  5: 'limitedGuest',
}

/** Every pair of resource and action the matrix knows, in its order. */
export const PROJECT_PERMISSIONS: readonly { resource: ProjectResource; action: string }[] = Object.entries(
  PERMISSION_MATRIX,
).flatMap(([resource, actions]) =>
  Object.keys(actions).map((action) => ({ resource: resource as ProjectResource, action })),
)

export function columnOf(role: RoleId): Column {
  return COLUMN_OF_ROLE[role]
}

/** One cell of the matrix; what it does not know nobody may. */
export function columnAllows(column: Column, resource: string, action: string): boolean {
  if (!Object.hasOwn(PERMISSION_MATRIX, resource)) return false
  const actions: Record<string, string> = PERMISSION_MATRIX[resource as ProjectResource]
  return Object.hasOwn(actions, action) && (actions[action] ?? '').includes(COLUMNS[column])
}
