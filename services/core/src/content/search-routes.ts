import { type Database, MAX_PAGE_SIZE, pageOf } from '@berth/db'
import type { Bus } from '@berth/messaging'
import { type RepositoryFacts, repositorySearch } from '@berth/types'
import { Router } from 'express'
import { z } from 'zod'
import type { Caller } from '../caller/caller.ts'
import { callerOf, parseQuery } from '../http/index.ts'
import { type Projects, toProjectBody } from '../project/index.ts'
import { visibleProjects } from './visible.ts'

const SearchQuery = z.object({ q: z.string() })
/** What the name of a project or a repository can have in it, in any case. */
const IN_NAMES = /^[a-z0-9._/-]{0,255}$/i

/** Projects and repositories by a part of their names: the first hundred of each, by name. */
export function searchRoutes(deps: { database: Database; bus: Pick<Bus, 'ask'>; projects: Projects }): Router {
  const { database, bus, projects } = deps
  const routes = Router()
  const page = pageOf({ pageSize: MAX_PAGE_SIZE })

  async function findRepositories(caller: Caller, word: string): Promise<RepositoryFacts[]> {
    const visible = await visibleProjects(database, caller, ['repository', 'list'])
    const q = word === '' ? undefined : `name=~${word}`
    const asked = { projects: visible, q, after: '', page: 1, pageSize: MAX_PAGE_SIZE }
    return (await bus.ask(repositorySearch, asked)).repositories
  }

  routes.get('/search', async (req, res) => {
    const { q: word } = parseQuery(SearchQuery, req)
    const caller = callerOf(res)
    if (!IN_NAMES.test(word)) {
      res.json({ project: [], repository: [] })
      return
    }
    const wish = { name: word, sort: 'name', detail: true }
    const [found, repositories] = await Promise.all([projects.list(caller, wish, page), findRepositories(caller, word)])
    res.json({
      project: found.projects.map((one) => toProjectBody(one.entered, one.allowlist, one.detail)),
      repository: repositories.map(toSearchBody),
    })
  })
  return routes
}

function toSearchBody(repository: RepositoryFacts): Record<string, unknown> {
  return {
    project_id: repository.projectId,
    project_name: repository.project,
    project_public: repository.isPublic,
    repository_name: repository.name,
    pull_count: repository.pullCount,
    artifact_count: repository.artifactCount,
  }
}
