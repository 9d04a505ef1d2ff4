import { pageHeaders } from '@berth/db'
import { Router } from 'express'
import { z } from 'zod'
import { callerOf, listPage, parseBody, parseQuery } from '../http/index.ts'
import { toTagBody } from './artifact-body.ts'
import { artifactHref, artifactPathOf } from './content-path.ts'
import { listWords } from './list-pages.ts'
import type { Tags } from './tag-service.ts'

const ListFlags = z.object({ with_immutable_status: z.boolean().default(false) })
const NewTag = z.object({ name: z.string() })

export function tagRoutes(tags: Tags): Router {
  const routes = Router()
  const all = '/projects/:project_name/repositories/:repository_name/artifacts/:reference/tags'

  routes.get(all, async (req, res) => {
    const { with_immutable_status: withImmutable } = parseQuery(ListFlags, req)
    const page = listPage(req)
    const { rows, total } = await tags.list(callerOf(res), artifactPathOf(req), listWords(req), page)
    res.set(pageHeaders(req.originalUrl, page, total)).json(rows.map((tag) => toTagBody(tag, withImmutable)))
  })
  routes.post(all, async (req, res) => {
    const path = artifactPathOf(req)
    const { name } = await tags.create(callerOf(res), path, parseBody(NewTag, req).name)
    res
      .status(201)
      .location(`${artifactHref(`${path.project}/${path.repository}`, path.reference)}/tags/${name}`)
      .end()
  })
  routes.delete(`${all}/:tag_name`, async (req, res) => {
    await tags.delete(callerOf(res), artifactPathOf(req), String(req.params.tag_name))
    res.status(200).end()
  })
  return routes
}
