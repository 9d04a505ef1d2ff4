import { NotFound } from '@berth/errors'
import type { Bus } from '@berth/messaging'
import { storageUsage } from '@berth/types'
import { Router } from 'express'
import { requireSystem } from '../access/index.ts'
import { callerOf } from '../http/index.ts'
import type { Settings } from '../setting/index.ts'
import { findCertificate } from './certificate.ts'
import type { Health } from './health.ts'
import { systemInfo } from './system-info.ts'

/** `/health`, `/ping` and `/systeminfo` of the Harbor API. */
export function systemRoutes(deps: {
  health: Health
  bus: Pick<Bus, 'ask'>
  settings: Settings
  externalUrl?: string
  storage: string
  /** File with the certificate clients may want to trust. */
  caFile?: string
}): Router {
  const { health, bus, caFile } = deps
  const routes = Router()
  routes.get('/ping', (_req, res) => {
    res.type('text/plain').send('Pong')
  })
  routes.get('/health', async (_req, res) => {
    res.json(await health())
  })
  routes.get('/systeminfo', async (req, res) => {
    const caller = callerOf(res)
    const hasCertificate = caller.kind !== 'anonymous' && (await findCertificate(caFile)) !== undefined
    res.json(systemInfo(req, caller, { ...deps, hasCertificate }))
  })
  routes.get('/systeminfo/volumes', async (_req, res) => {
    requireSystem(callerOf(res), 'system-volumes', 'read')
    const { volumes } = await bus.ask(storageUsage, {})
    res.json({ storage: volumes.map(({ totalBytes, freeBytes }) => ({ total: totalBytes, free: freeBytes })) })
  })
  routes.get('/systeminfo/getcert', async (_req, res) => {
    const pem = await findCertificate(caFile)
    if (pem === undefined) throw new NotFound('there is no certificate to fetch')
    res
      .type('application/octet-stream')
      .set('Content-Disposition', 'attachment; filename=ca.crt')
      .send(Buffer.from(pem))
  })
  return routes
}
