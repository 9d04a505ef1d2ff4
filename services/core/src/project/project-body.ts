import { ROLES, type RoleId, strongestRole } from '../access/index.ts'
import { type Allowlist, toAllowlistBody } from '../allowlist/index.ts'
import type { Project } from './project.ts'
import type { Entered } from './project-door.ts'
import type { ProjectHoldings } from './registry-policy.ts'

/** A project as the API shows it, with the allowlist of its own; with `detail`, what it holds and the caller's roles. */
export function toProjectBody(
  { project, roles, permits }: Entered,
  allowlist: Allowlist | undefined,
  detail?: ProjectHoldings,
): Record<string, unknown> {
  const role = strongestRole(roles)
  return {
    project_id: project.id,
    owner_id: project.ownerId,
    name: project.name,
    creation_time: project.createdAt.toISOString(),
    update_time: project.updatedAt.toISOString(),
    owner_name: project.ownerName,
    togglable: permits('project', 'update'),
    ...(detail && {
      ...(role === undefined ? {} : { current_user_role_id: role }),
      current_user_role_ids: roles,
      repo_count: detail.repositories,
    }),
    metadata: { public: String(project.public), ...project.metadata },
    cve_allowlist: toAllowlistBody(allowlist ?? noAllowlist(project)),
  }
}

/** Of a project nobody gave one. */
function noAllowlist({ id, createdAt }: Project): Allowlist {
  return { id: 0, projectId: id, cves: [], createdAt, updatedAt: createdAt }
}

const COUNT_NAMES: Record<(typeof ROLES)[number]['name'], string> = {
  projectAdmin: 'project_admin_count',
  maintainer: 'maintainer_count',
  developer: 'developer_count',
  guest: 'guest_count',
  limitedGuest: 'limited_guest_count',
}

/** Counts of members are for those who may list them, the quota for those who may read it. */
export function toSummaryBody(
  { project, permits }: Entered,
  holdings: ProjectHoldings,
  members: ReadonlyMap<RoleId, number>,
): Record<string, unknown> {
  const counts = ROLES.map(({ id, name }) => [COUNT_NAMES[name], members.get(id) ?? 0])
  return {
    repo_count: holdings.repositories,
    ...(permits('member', 'list') ? Object.fromEntries(counts) : {}),
    ...(permits('quota', 'read')
      ? { quota: { hard: { storage: project.storageLimitBytes }, used: { storage: holdings.usedBytes } } }
      : {}),
  }
}
