import { pageHeaders } from '@berth/db'
import { Router } from 'express'
import { z } from 'zod'
import { callerOf, listPage, parseBody, parseQuery, pathNumber } from '../http/index.ts'
import type { Quota, Quotas } from './quota-service.ts'

const ListQuery = z.object({
  reference: z.string().optional(),
  reference_id: z.string().optional(),
  sort: z.string().optional(),
})
const QuotaRequest = z.object({ hard: z.record(z.string(), z.number()).default({}) })

export function quotaRoutes(quotas: Quotas): Router {
  const routes = Router()

  routes.get('/quotas', async (req, res) => {
    const { reference_id: referenceId, ...query } = parseQuery(ListQuery, req)
    const page = listPage(req)
    const { quotas: found, total } = await quotas.list(callerOf(res), { ...query, referenceId }, page)
    res.set(pageHeaders(req.originalUrl, page, total))
    res.json(found.map(toQuotaBody))
  })
  routes.get('/quotas/:id', async (req, res) => {
    res.json(toQuotaBody(await quotas.get(callerOf(res), pathNumber(req, 'id'))))
  })
  routes.put('/quotas/:id', async (req, res) => {
    await quotas.update(callerOf(res), pathNumber(req, 'id'), parseBody(QuotaRequest, req).hard)
    res.status(200).end()
  })
  return routes
}

function toQuotaBody({ project, usedBytes }: Quota): Record<string, unknown> {
  return {
    id: project.id,
    ref: { id: project.id, name: project.name, owner_name: project.ownerName },
    hard: { storage: project.storageLimitBytes },
    used: { storage: usedBytes },
    creation_time: project.createdAt.toISOString(),
    update_time: project.updatedAt.toISOString(),
  }
}
