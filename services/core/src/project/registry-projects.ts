import type { Queries } from '@berth/db'
import { NO_POLICY, type RegistryProject } from '@berth/types'
import { policyStore } from './policy-store.ts'
import type { Project } from './project.ts'

/** What the registry must know of these projects, in their order; a fixed number of statements. */
export async function registryProjects(db: Queries, projects: readonly Project[]): Promise<RegistryProject[]> {
  if (projects.length === 0) return []
  const policies = await policyStore.of(db, projects)
  return projects.map((project) => ({
    id: project.id,
    name: project.name,
    kind: 'local',
    state: project.state,
    public: project.public,
    accessRevision: project.accessRevision,
    quotaLimitBytes: project.storageLimitBytes,
    policy: policies.get(project.id) ?? NO_POLICY,
    revision: project.revision,
  }))
}
