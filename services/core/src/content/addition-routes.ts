import { NotFound } from '@berth/errors'
import { Router } from 'express'
import { callerOf } from '../http/index.ts'
import type { Additions } from './addition-service.ts'
import { artifactPathOf } from './content-path.ts'

const ONE = '/projects/:project_name/repositories/:repository_name/artifacts/:reference/additions'

/** What others wrote is shown as what it is, and runs nothing. */
const PASSIVE = { 'Content-Security-Policy': "default-src 'none'; sandbox", 'X-Content-Type-Options': 'nosniff' }

export function additionRoutes(additions: Additions): Router {
  const routes = Router()
  routes.get(`${ONE}/:addition`, async (req, res) => {
    const { contentType, bytes } = await additions.read(callerOf(res), artifactPathOf(req), String(req.params.addition))
    res.set(PASSIVE).set('Content-Type', contentType).send(bytes)
  })
  return routes
}

/** Before the document is asked: what Harbor has there and we have not yet is no wrong name of an addition. */
export function leftOutRoutes(): Router {
  const routes = Router()
  routes.all(`${ONE}/vulnerabilities`, () => {
    throw new NotFound('no such path')
  })
  return routes
}
