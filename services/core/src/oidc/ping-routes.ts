import { BadRequest } from '@berth/errors'
import type { Logger } from '@berth/runtime'
import { Router } from 'express'
import { z } from 'zod'
import { requireSystem } from '../access/index.ts'
import { callerOf, parseBody } from '../http/index.ts'
import { type ProviderFetch, probeProvider } from './provider.ts'
import { reasonOf } from './provider-errors.ts'

const Ping = z.object({ url: z.string().max(2_000).default(''), verify_cert: z.boolean().default(true) })

/** `/system/oidc/ping`. It tells yes or no: what exactly did not work at an address is in the log, for operators only. */
export function oidcPingRoutes(fetch: ProviderFetch, log: Logger): Router {
  const routes = Router()
  routes.post('/system/oidc/ping', async (req, res) => {
    requireSystem(callerOf(res), 'configuration', 'update')
    const { url, verify_cert: verifyCertificate } = parseBody(Ping, req)
    await probeProvider({ url, verifyCertificate, fetch }).catch((err: unknown) => {
      // Not the whole of it: people write passwords into addresses.
      log.warn('no OpenID provider was found', { host: URL.parse(url)?.host, reason: reasonOf(err) })
      throw new BadRequest('no OpenID provider was found at this address')
    })
    res.status(200).end()
  })
  return routes
}
