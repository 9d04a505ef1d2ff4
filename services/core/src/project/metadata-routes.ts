import { Router } from 'express'
import { z } from 'zod'
import { callerOf, parseBody } from '../http/index.ts'
import type { Metadata } from './metadata-service.ts'
import { projectRefOf } from './project-door.ts'

const OneKey = z.record(z.string(), z.string())

export function metadataRoutes(metadata: Metadata): Router {
  const routes = Router()
  const all = '/projects/:project_name_or_id/metadatas'
  const one = `${all}/:meta_name`

  routes.get(all, async (req, res) => {
    res.json(await metadata.list(callerOf(res), projectRefOf(req)))
  })
  routes.post(all, async (req, res) => {
    await metadata.add(callerOf(res), projectRefOf(req), parseBody(OneKey, req))
    res.status(200).end()
  })
  routes.get(one, async (req, res) => {
    res.json(await metadata.get(callerOf(res), projectRefOf(req), String(req.params.meta_name)))
  })
  routes.put(one, async (req, res) => {
    const key = String(req.params.meta_name)
    await metadata.update(callerOf(res), projectRefOf(req), key, parseBody(OneKey, req))
    res.status(200).end()
  })
  routes.delete(one, async (req, res) => {
    await metadata.delete(callerOf(res), projectRefOf(req), String(req.params.meta_name))
    res.status(200).end()
  })
  return routes
}
