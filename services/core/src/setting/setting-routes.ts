import { Forbidden } from '@berth/errors'
import { Router } from 'express'
import { z } from 'zod'
import { callerOf, parseBody } from '../http/index.ts'
import type { Configuration } from './configuration.ts'

const Changes = z.record(z.string(), z.unknown())

/** `/configurations` and `/internalconfig` of the Harbor API. */
export function settingRoutes(configuration: Configuration): Router {
  const routes = Router()
  routes.get('/configurations', (_req, res) => {
    const { scan_all_policy, ...shown } = configuration.read(callerOf(res))
    // Harbor's models know this one without `value` around it, older clients with.
    res.json({ ...shown, scan_all_policy: { ...(scan_all_policy?.value as object), ...scan_all_policy } })
  })
  routes.put('/configurations', async (req, res) => {
    await configuration.update(callerOf(res), parseBody(Changes, req))
    res.status(200).end()
  })
  routes.get('/internalconfig', () => {
    throw new Forbidden('services learn the settings from each other, not from here')
  })
  return routes
}
