import { pageHeaders } from '@berth/db'
import { Router } from 'express'
import { z } from 'zod'
import { callerOf, listPage, parseBody, parseQuery, pathNumber } from '../http/index.ts'
import { toLabelBody } from './label.ts'
import type { Labels } from './label-service.ts'

const ListQuery = z.object({
  q: z.string().optional(),
  sort: z.string().optional(),
  name: z.string().optional(),
  scope: z.string().optional(),
  project_id: z.coerce.number().int().optional(),
})
const LabelRequest = z.object({
  name: z.string().optional(),
  description: z.string().optional(),
  color: z.string().optional(),
  scope: z.string().optional(),
  project_id: z.number().int().optional(),
})

export function labelRoutes(labels: Labels): Router {
  const routes = Router()
  const one = '/labels/:label_id'

  routes.get('/labels', async (req, res) => {
    const { project_id: projectId, ...query } = parseQuery(ListQuery, req)
    const page = listPage(req)
    const { labels: found, total } = await labels.list(callerOf(res), { ...query, projectId }, page)
    res.set(pageHeaders(req.originalUrl, page, total))
    res.json(found.map(toLabelBody))
  })
  routes.post('/labels', async (req, res) => {
    const id = await labels.create(callerOf(res), parseBody(LabelRequest, req))
    res.status(201).location(`/api/v2.0/labels/${id}`).end()
  })
  routes.get(one, async (req, res) => {
    res.json(toLabelBody(await labels.get(callerOf(res), pathNumber(req, 'label_id'))))
  })
  routes.put(one, async (req, res) => {
    await labels.update(callerOf(res), pathNumber(req, 'label_id'), parseBody(LabelRequest, req))
    res.status(200).end()
  })
  routes.delete(one, async (req, res) => {
    await labels.delete(callerOf(res), pathNumber(req, 'label_id'))
    res.status(200).end()
  })
  return routes
}
