import { Router } from 'express'
import { callerOf } from '../http/index.ts'
import type { Health } from './health.ts'
import { type SystemInfoOptions, systemInfo } from './system-info.ts'

/** `/health`, `/ping` and `/systeminfo` of the Harbor API. */
export function systemRoutes(health: Health, info: SystemInfoOptions): Router {
  const routes = Router()
  routes.get('/ping', (_req, res) => {
    res.type('text/plain').send('Pong')
  })
  routes.get('/health', async (_req, res) => {
    res.json(await health())
  })
  routes.get('/systeminfo', (req, res) => {
    res.json(systemInfo(req, callerOf(res), info))
  })
  return routes
}
