import { Router } from 'express'
import { z } from 'zod'
import { callerOf, parseBody, pathNumber } from '../http/index.ts'
import type { CliSecrets, OidcMeta } from './cli-secret-service.ts'

const Secret = z.object({ secret: z.string().optional() })

export function cliSecretRoutes(secrets: CliSecrets): Router {
  const routes = Router()
  routes.put('/users/:user_id/cli_secret', async (req, res) => {
    await secrets.set(callerOf(res), pathNumber(req, 'user_id'), parseBody(Secret, req).secret)
    res.status(200).end()
  })
  return routes
}

/** As `oidc_user_meta` of a user. */
export function toOidcMetaBody({ userId, subiss, secret, createdAt, updatedAt }: OidcMeta): Record<string, unknown> {
  return {
    id: userId,
    user_id: userId,
    subiss,
    secret,
    creation_time: createdAt.toISOString(),
    update_time: updatedAt.toISOString(),
  }
}
