import { Gauge, type Registry } from '@berth/runtime'
import type { ComponentHealth } from '@berth/types'
import type { Figures } from './figures.ts'

interface SystemInfo {
  auth_mode: string
  harbor_version: string
  self_registration: string
}

export interface ExporterGauges {
  showHealth(health: { status: string; components: readonly ComponentHealth[] }): void
  showSystem(info: SystemInfo): void
  showFigures(figures: Figures): void
}

/** The metrics of Harbor's exporter, by its names and labels. */
export function exporterGauges(registry: Registry): ExporterGauges {
  const gauge = <L extends string = never>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge<L>({ name: `harbor_${name}`, help, labelNames: [...labelNames], registers: [registry] })

  const up = gauge('up', 'Whether a component is up', ['component'])
  const health = gauge('health', 'Whether every component is healthy')
  const systemInfo = gauge('system_info', 'What this installation is', [
    'auth_mode',
    'harbor_version',
    'self_registration',
  ])
  const projects = gauge('project_total', 'Projects', ['public'])
  const quota = gauge('project_quota_byte', 'Bytes a project may hold; -1 is without limit', ['project_name'])
  const usage = gauge('project_quota_usage_byte', 'Bytes a project holds', ['project_name'])
  const repositories = gauge('project_repo_total', 'Repositories of a project', ['project_name', 'public'])
  const members = gauge('project_member_total', 'Members of a project', ['project_name'])
  const artifacts = gauge('project_artifact_total', 'Artifacts of a project', [
    'project_name',
    'public',
    'artifact_type',
  ])
  const pulled = gauge('artifact_pulled', 'Pulls from a project', ['project_name'])
  const stored = gauge('statistics_total_storage_consumption', 'Bytes stored')
  const allProjects = gauge('statistics_total_project_amount', 'Projects')
  const publicProjects = gauge('statistics_public_project_amount', 'Public projects')
  const privateProjects = gauge('statistics_private_project_amount', 'Private projects')
  const allRepositories = gauge('statistics_total_repo_amount', 'Repositories')
  const publicRepositories = gauge('statistics_public_repo_amount', 'Repositories of public projects')
  const privateRepositories = gauge('statistics_private_repo_amount', 'Repositories of private projects')

  return {
    showHealth({ status, components }) {
      up.reset()
      for (const { name, status: own } of components) up.set({ component: name }, own === 'healthy' ? 1 : 0)
      health.set(status === 'healthy' ? 1 : 0)
    },

    showSystem(info) {
      systemInfo.reset()
      systemInfo.set({ ...info }, 1)
    },

    showFigures(figures) {
      for (const one of [quota, usage, repositories, members, artifacts, pulled]) one.reset()
      for (const project of figures.projects) {
        const named = { project_name: project.name }
        const isPublic = { ...named, public: String(project.public) }
        quota.set(named, project.quotaBytes)
        usage.set(named, project.usedBytes)
        members.set(named, project.members)
        pulled.set(named, project.pulls)
        repositories.set(isPublic, project.repositories)
        for (const { kind, count } of project.artifacts) artifacts.set({ ...isPublic, artifact_type: kind }, count)
      }
      projects.set({ public: 'true' }, figures.publicProjects)
      projects.set({ public: 'false' }, figures.privateProjects)
      stored.set(figures.storedBytes)
      allProjects.set(figures.publicProjects + figures.privateProjects)
      publicProjects.set(figures.publicProjects)
      privateProjects.set(figures.privateProjects)
      allRepositories.set(figures.publicRepositories + figures.privateRepositories)
      publicRepositories.set(figures.publicRepositories)
      privateRepositories.set(figures.privateRepositories)
    },
  }
}
