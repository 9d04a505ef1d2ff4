import { type Queries, statement } from '@berth/db'
import type { Caller } from '../caller/caller.ts'
import type { RoleId } from './role.ts'

const rolesOf = statement<{ project_id: number; role_id: RoleId }>(
  'roles-of-user',
  'SELECT DISTINCT project_id, role_id FROM user_roles WHERE user_id = $1 AND project_id = ANY($2)',
)

/** The roles the caller has in each of these projects, by themselves and through groups; one statement, however many. */
export async function rolesIn(
  db: Queries,
  caller: Caller,
  projectIds: readonly number[],
): Promise<Map<number, RoleId[]>> {
  const found = new Map<number, RoleId[]>()
  if (caller.kind !== 'user' || projectIds.length === 0) return found
  for (const row of await db.run(rolesOf, [caller.id, projectIds])) {
    found.set(row.project_id, [...(found.get(row.project_id) ?? []), row.role_id])
  }
  return found
}
