import { pageHeaders } from '@berth/db'
import { Router } from 'express'
import { z } from 'zod'
import { callerOf, listPage, parseBody, parseQuery, pathNumber } from '../http/index.ts'
import { toGroupBody } from './group.ts'
import type { Groups } from './group-service.ts'

const ListQuery = z.object({ group_name: z.string().optional(), ldap_group_dn: z.string().optional() })
const SearchQuery = z.object({ groupname: z.string().optional() })

/** A group as a body of the API has it. */
export const GroupBody = z.object({
  id: z.number().optional(),
  group_name: z.string().optional(),
  group_type: z.number().optional(),
  ldap_group_dn: z.string().optional(),
})

export function groupRoutes(groups: Groups): Router {
  const routes = Router()

  routes.get('/usergroups', async (req, res) => {
    const { group_name: name, ldap_group_dn: dn } = parseQuery(ListQuery, req)
    const page = listPage(req)
    const { groups: found, total } = await groups.list(callerOf(res), { name, dn }, page)
    res.set(pageHeaders(req.originalUrl, page, total))
    res.json(found.map(toGroupBody))
  })
  routes.post('/usergroups', async (req, res) => {
    const id = await groups.create(callerOf(res), parseBody(GroupBody, req))
    res.status(201).location(`/api/v2.0/usergroups/${id}`).end()
  })
  routes.get('/usergroups/search', async (req, res) => {
    const { groupname } = parseQuery(SearchQuery, req)
    const page = listPage(req)
    const { groups: found, total } = await groups.search(callerOf(res), groupname, page)
    res.set(pageHeaders(req.originalUrl, page, total))
    res.json(found.map(({ id, name, kind }) => ({ id, group_name: name, group_type: kind })))
  })
  routes.get('/usergroups/:group_id', async (req, res) => {
    res.json(toGroupBody(await groups.get(callerOf(res), pathNumber(req, 'group_id'))))
  })
  routes.put('/usergroups/:group_id', async (req, res) => {
    const { group_name: name } = parseBody(GroupBody, req)
    await groups.rename(callerOf(res), pathNumber(req, 'group_id'), name)
    res.status(200).end()
  })
  routes.delete('/usergroups/:group_id', async (req, res) => {
    await groups.delete(callerOf(res), pathNumber(req, 'group_id'))
    res.status(200).end()
  })
  return routes
}
