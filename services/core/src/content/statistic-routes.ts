import { type Database, statement } from '@berth/db'
import type { Bus } from '@berth/messaging'
import { statisticsCount } from '@berth/types'
import { Router } from 'express'
import { requireSignedIn } from '../access/index.ts'
import { isAdmin } from '../caller/caller.ts'
import { callerOf } from '../http/index.ts'
import { visibleProjects } from './visible.ts'

const countProjects = statement<{ public: boolean; projects: number }>(
  'statistic-projects',
  'SELECT public, count(*) AS projects FROM projects WHERE public OR $1 OR id = ANY($2) GROUP BY public',
)

/** Counts of what the caller may see; how much is stored is told to administrators. */
export function statisticRoutes({ database, bus }: { database: Database; bus: Pick<Bus, 'ask'> }): Router {
  const routes = Router()
  routes.get('/statistics', async (_req, res) => {
    const caller = callerOf(res)
    requireSignedIn(caller)
    const visible = await visibleProjects(database, caller, ['repository', 'list'])
    const ids = visible.kind === 'all' ? [] : visible.ids
    const [counted, repositories] = await Promise.all([
      database.run(countProjects, [visible.kind === 'all', ids]),
      bus.ask(statisticsCount, { projects: visible }),
    ])
    const projectsOf = (isPublic: boolean) => counted.find((row) => row.public === isPublic)?.projects ?? 0
    const { publicRepositories, privateRepositories, storedBytes } = repositories
    res.json({
      private_project_count: projectsOf(false),
      private_repo_count: privateRepositories,
      public_project_count: projectsOf(true),
      public_repo_count: publicRepositories,
      total_project_count: projectsOf(false) + projectsOf(true),
      total_repo_count: privateRepositories + publicRepositories,
      total_storage_consumption: isAdmin(caller) ? storedBytes : 0,
    })
  })
  return routes
}
