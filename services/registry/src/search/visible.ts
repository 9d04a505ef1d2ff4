import type { VisibleProjects } from '@berth/types'

/** A condition on `project p`. */
export function visibleSql(projects: VisibleProjects, values: unknown[]): string {
  if (projects.kind === 'all') return 'true'
  const some = `p.id = ANY($${values.push(projects.ids)}::bigint[])`
  return projects.publicToo ? `(${some} OR p.public)` : some
}
