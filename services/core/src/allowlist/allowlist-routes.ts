import { Router } from 'express'
import { callerOf, parseBody } from '../http/index.ts'
import { parseAllowlist, RawAllowlist, toAllowlistBody } from './allowlist.ts'
import type { SuiteAllowlist } from './allowlist-service.ts'

export function allowlistRoutes(allowlist: SuiteAllowlist): Router {
  const routes = Router()
  routes.get('/system/CVEAllowlist', async (_req, res) => {
    res.json(toAllowlistBody(await allowlist.get(callerOf(res))))
  })
  routes.put('/system/CVEAllowlist', async (req, res) => {
    await allowlist.put(callerOf(res), parseAllowlist(parseBody(RawAllowlist, req)))
    res.status(200).end()
  })
  return routes
}
