/** The roles a member can have in a project; ids are Harbor's. */
export const ROLES = [
  { id: 1, name: 'projectAdmin' },
  { id: 2, name: 'developer' },
  { id: 3, name: 'guest' },
  { id: 4, name: 'maintainer' },
  { id: 5, name: 'limitedGuest' },
] as const

type Role = (typeof ROLES)[number]
export type RoleId = Role['id']

const STRONGEST_FIRST: readonly RoleId[] = [1, 4, 2, 3, 5]

export function findRole(id: number): Role | undefined {
  return ROLES.find((role) => role.id === id)
}

export function strongestRole(ids: readonly RoleId[]): RoleId | undefined {
  return STRONGEST_FIRST.find((id) => ids.includes(id))
}
