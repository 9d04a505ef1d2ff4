import { Router } from 'express'
import { z } from 'zod'
import { callerOf, parseBody, pathNumber } from '../http/index.ts'
import { artifactPathOf } from './content-path.ts'
import type { ArtifactLabels } from './label-service.ts'

/** A label as its own list shows it; its id is what counts. */
const LabelRequest = z.object({ id: z.number().int().optional() })

export function artifactLabelRoutes(labels: ArtifactLabels): Router {
  const routes = Router()
  const all = '/projects/:project_name/repositories/:repository_name/artifacts/:reference/labels'

  routes.post(all, async (req, res) => {
    await labels.attach(callerOf(res), artifactPathOf(req), parseBody(LabelRequest, req).id)
    res.status(200).end()
  })
  routes.delete(`${all}/:label_id`, async (req, res) => {
    await labels.detach(callerOf(res), artifactPathOf(req), pathNumber(req, 'label_id'))
    res.status(200).end()
  })
  return routes
}
