import { pageHeaders } from '@berth/db'
import { Router } from 'express'
import { z } from 'zod'
import { callerOf, listPage, parseBody, parseQuery, pathNumber } from '../http/index.ts'
import { projectRefOf } from '../project/index.ts'
import { RawImmutableRule, toRuleBody } from './immutable-rule.ts'
import type { ImmutableRules } from './immutable-service.ts'

const ListQuery = z.object({ q: z.string().optional(), sort: z.string().optional() })

export function immutableRoutes(rules: ImmutableRules): Router {
  const routes = Router()
  const all = '/projects/:project_name_or_id/immutabletagrules'
  const one = `${all}/:immutable_rule_id`

  routes.get(all, async (req, res) => {
    const page = listPage(req)
    const { rules: found, total } = await rules.list(callerOf(res), projectRefOf(req), parseQuery(ListQuery, req), page)
    res.set(pageHeaders(req.originalUrl, page, total))
    res.json(found.map(toRuleBody))
  })
  routes.post(all, async (req, res) => {
    const id = await rules.create(callerOf(res), projectRefOf(req), parseBody(RawImmutableRule, req))
    const project = encodeURIComponent(String(req.params.project_name_or_id))
    res.status(201).location(`/api/v2.0/projects/${project}/immutabletagrules/${id}`).end()
  })
  routes.put(one, async (req, res) => {
    const id = pathNumber(req, 'immutable_rule_id')
    await rules.update(callerOf(res), projectRefOf(req), id, parseBody(RawImmutableRule, req))
    res.status(200).end()
  })
  routes.delete(one, async (req, res) => {
    await rules.delete(callerOf(res), projectRefOf(req), pathNumber(req, 'immutable_rule_id'))
    res.status(200).end()
  })
  return routes
}
