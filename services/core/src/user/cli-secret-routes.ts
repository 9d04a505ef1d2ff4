import { Router } from 'express'
import { z } from 'zod'
import { callerOf, parseBody, pathNumber } from '../http/index.ts'
import type { CliSecrets } from './cli-secret-service.ts'

const Secret = z.object({ secret: z.string().optional() })

export function cliSecretRoutes(secrets: CliSecrets): Router {
  const routes = Router()
  routes.put('/users/:user_id/cli_secret', async (req, res) => {
    await secrets.set(callerOf(res), pathNumber(req, 'user_id'), parseBody(Secret, req).secret)
    res.status(200).end()
  })
  return routes
}
