import type { Database } from '@berth/db'
import type { Bus } from '@berth/messaging'
import type { Router } from 'express'
import type { AuditTrail } from '../audit/index.ts'
import type { ProjectDoor, Projects } from '../project/index.ts'
import { additionRoutes } from './addition-routes.ts'
import { createAdditions } from './addition-service.ts'
import { artifactRoutes } from './artifact-routes.ts'
import { createArtifacts } from './artifact-service.ts'
import { iconRoutes } from './icon-routes.ts'
import { createJudge } from './judge.ts'
import { artifactLabelRoutes } from './label-routes.ts'
import { createArtifactLabels } from './label-service.ts'
import { repositoryRoutes } from './repository-routes.ts'
import { createRepositories } from './repository-service.ts'
import { searchRoutes } from './search-routes.ts'
import { statisticRoutes } from './statistic-routes.ts'
import { tagRoutes } from './tag-routes.ts'
import { createTags } from './tag-service.ts'

export { leftOutRoutes } from './addition-routes.ts'

/** Everything the registry owns, behind Harbor's paths: core judges, the registry is asked. */
export function contentRoutes(deps: {
  database: Database
  bus: Pick<Bus, 'ask'>
  door: ProjectDoor
  projects: Projects
  audit: AuditTrail
}): Router[] {
  const judge = createJudge(deps.door)
  const parts = { ...deps, judge }
  return [
    repositoryRoutes(createRepositories(parts)),
    artifactRoutes(createArtifacts(parts)),
    tagRoutes(createTags(parts)),
    additionRoutes(createAdditions(parts)),
    artifactLabelRoutes(createArtifactLabels(parts)),
    iconRoutes(deps),
    searchRoutes(deps),
    statisticRoutes(deps),
  ]
}
