import type { Bus } from '@berth/messaging'
import { keyRotate, LogLevel, linesSearch } from '@berth/types'
import { Router } from 'express'
import { z } from 'zod'
import { requireAdmin } from '../access/index.ts'
import { callerOf, parseQuery } from '../http/index.ts'
import { BERTH_VERSION, HARBOR_VERSION } from '../version.ts'
import type { Health } from './health.ts'
import { personToken } from './person-token.ts'
import { listReplicas } from './replicas.ts'

const LogQuery = z.object({
  from: z.coerce.date().optional(),
  to: z.coerce.date().optional(),
  service: z.string().optional(),
  level: LogLevel.optional(),
  text: z.string().optional(),
  request_id: z.string().optional(),
  cursor: z.string().optional(),
  limit: z.coerce.number().default(100),
})

/** `/api/berth/v1`: the suite itself, for its administrators. */
export function suiteRoutes(bus: Bus, health: Health): Router {
  const routes = Router()

  routes.get('/status', async (_req, res) => {
    requireAdmin(callerOf(res))
    const [{ status, components }, services] = await Promise.all([health(), listReplicas(bus)])
    const time = new Date().toISOString()
    res.json({ version: BERTH_VERSION, harbor_version: HARBOR_VERSION, time, status, components, services })
  })
  routes.get('/logs', async (req, res) => {
    const caller = callerOf(res)
    requireAdmin(caller)
    const { from, to, request_id: requestId, ...rest } = parseQuery(LogQuery, req)
    const request = { ...rest, from: from?.toISOString(), to: to?.toISOString(), requestId }
    res.json(await bus.ask(linesSearch, request, { token: await personToken(bus, caller) }))
  })
  routes.post('/token/rotate-key', async (_req, res) => {
    const caller = callerOf(res)
    requireAdmin(caller)
    res.json(await bus.ask(keyRotate, {}, { token: await personToken(bus, caller) }))
  })
  return routes
}
