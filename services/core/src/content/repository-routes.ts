import { pageHeaders } from '@berth/db'
import type { RepositoryFacts } from '@berth/types'
import { Router } from 'express'
import { z } from 'zod'
import { callerOf, listPage, parseBody } from '../http/index.ts'
import { repositoryPathOf } from './content-path.ts'
import { listWords } from './list-pages.ts'
import type { Repositories } from './repository-service.ts'

/** What can be said of a repository; whatever else a body has is nobody's to change. */
const RepositoryRequest = z.object({ description: z.string().max(65_536).default('') })

export function repositoryRoutes(repositories: Repositories): Router {
  const routes = Router()
  const ofProject = '/projects/:project_name/repositories'
  const one = `${ofProject}/:repository_name`

  routes.get('/repositories', async (req, res) => {
    const page = listPage(req)
    const { rows, total } = await repositories.listAll(callerOf(res), listWords(req), page)
    res.set(pageHeaders(req.originalUrl, page, total)).json(rows.map(toRepositoryBody))
  })
  routes.get(ofProject, async (req, res) => {
    const page = listPage(req)
    const project = String(req.params.project_name)
    const { rows, total } = await repositories.list(callerOf(res), project, listWords(req), page)
    res.set(pageHeaders(req.originalUrl, page, total)).json(rows.map(toRepositoryBody))
  })
  routes.get(one, async (req, res) => {
    res.json(toRepositoryBody(await repositories.get(callerOf(res), repositoryPathOf(req))))
  })
  routes.put(one, async (req, res) => {
    const { description } = parseBody(RepositoryRequest, req)
    await repositories.describe(callerOf(res), repositoryPathOf(req), description)
    res.status(200).end()
  })
  routes.delete(one, async (req, res) => {
    await repositories.delete(callerOf(res), repositoryPathOf(req))
    res.status(200).end()
  })
  return routes
}

function toRepositoryBody(repository: RepositoryFacts): Record<string, unknown> {
  return {
    id: repository.id,
    project_id: repository.projectId,
    name: repository.name,
    ...(repository.description !== '' && { description: repository.description }),
    artifact_count: repository.artifactCount,
    pull_count: repository.pullCount,
    creation_time: repository.createdAt,
    update_time: repository.updatedAt,
  }
}
