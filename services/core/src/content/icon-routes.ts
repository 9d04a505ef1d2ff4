import type { Database } from '@berth/db'
import { BadRequest } from '@berth/errors'
import type { Bus } from '@berth/messaging'
import { findDigest } from '@berth/oci'
import { iconGet } from '@berth/types'
import { Router } from 'express'
import { callerOf } from '../http/index.ts'
import { findBuiltInIcon } from './built-in-icons.ts'
import { visibleProjects } from './visible.ts'

/** Our own pictures are for everybody, those artifacts bring for whoever may read such an artifact. */
export function iconRoutes({ database, bus }: { database: Database; bus: Pick<Bus, 'ask'> }): Router {
  const routes = Router()
  routes.get('/icons/:digest', async (req, res) => {
    const digest = findDigest(String(req.params.digest))
    if (digest === undefined) throw new BadRequest('an icon is asked for by its digest')
    const ours = findBuiltInIcon(digest)
    if (ours) {
      res.json({ 'content-type': ours.contentType, content: ours.bytes.toString('base64') })
      return
    }
    const projects = await visibleProjects(database, callerOf(res), ['artifact', 'read'])
    const { contentType, content } = await bus.ask(iconGet, { digest, projects })
    res.json({ 'content-type': contentType, content })
  })
  return routes
}
