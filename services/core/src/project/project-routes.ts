import { pageHeaders, type Queries } from '@berth/db'
import { NotFound } from '@berth/errors'
import { Router } from 'express'
import { z } from 'zod'
import { callerOf, listPage, parseBody, parseQuery } from '../http/index.ts'
import { toProjectBody, toSummaryBody } from './project-body.ts'
import { projectRefOf } from './project-door.ts'
import { ProjectRequest } from './project-request.ts'
import type { Projects } from './project-service.ts'
import { projectStore } from './project-store.ts'

const ListQuery = z.object({
  q: z.string().optional(),
  sort: z.string().optional(),
  name: z.string().optional(),
  owner: z.string().optional(),
  public: z.boolean().optional(),
  with_detail: z.boolean().default(true),
})
const HeadQuery = z.object({ project_name: z.string() })

export function projectRoutes(projects: Projects, db: Queries): Router {
  const routes = Router()

  // Before the list: express answers HEAD from GET otherwise.
  routes.head('/projects', async (req, res) => {
    const { project_name: name } = parseQuery(HeadQuery, req)
    if (!(await projects.exists(callerOf(res), name))) throw new NotFound(`project ${name} not found`)
    res.status(200).end()
  })
  routes.get('/projects', async (req, res) => {
    const { with_detail: detail, ...query } = parseQuery(ListQuery, req)
    const page = listPage(req)
    const { projects: found, total } = await projects.list(callerOf(res), { ...query, detail }, page)
    res.set(pageHeaders(req.originalUrl, page, total))
    res.json(found.map((one) => toProjectBody(one.entered, one.allowlist, one.detail)))
  })
  routes.post('/projects', async (req, res) => {
    const project = await projects.create(callerOf(res), parseBody(ProjectRequest, req))
    const byName = /^(?:true|1)$/i.test(String(req.headers['x-resource-name-in-location'] ?? ''))
    res
      .status(201)
      .location(`/api/v2.0/projects/${byName ? project.name : project.id}`)
      .end()
  })

  const one = '/projects/:project_name_or_id'
  routes.get(one, async (req, res) => {
    const { entered, allowlist, holdings } = await projects.get(callerOf(res), projectRefOf(req))
    res.json(toProjectBody(entered, allowlist, holdings))
  })
  routes.put(one, async (req, res) => {
    await projects.update(callerOf(res), projectRefOf(req), parseBody(ProjectRequest, req))
    res.status(200).end()
  })
  routes.delete(one, async (req, res) => {
    await projects.delete(callerOf(res), projectRefOf(req))
    res.status(200).end()
  })
  routes.get(`${one}/_deletable`, async (req, res) => {
    res.json(await projects.deletable(callerOf(res), projectRefOf(req)))
  })
  routes.get(`${one}/summary`, async (req, res) => {
    const { entered, holdings } = await projects.get(callerOf(res), projectRefOf(req))
    res.json(toSummaryBody(entered, holdings, await projectStore.memberCounts(db, entered.project.id)))
  })
  return routes
}
