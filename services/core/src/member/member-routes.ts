import { pageHeaders } from '@berth/db'
import { Router } from 'express'
import { z } from 'zod'
import { findRole } from '../access/index.ts'
import { GroupBody } from '../group/index.ts'
import { callerOf, listPage, parseBody, parseQuery, pathNumber } from '../http/index.ts'
import { projectRefOf } from '../project/index.ts'
import type { Members } from './member-service.ts'
import type { Member } from './member-store.ts'

const ListQuery = z.object({ entityname: z.string().optional() })
const NewMember = z.object({
  role_id: z.number().optional(),
  member_user: z.object({ user_id: z.number().optional(), username: z.string().optional() }).optional(),
  member_group: GroupBody.optional(),
})
const RoleRequest = z.object({ role_id: z.number().optional() })

export function memberRoutes(members: Members): Router {
  const routes = Router()
  const all = '/projects/:project_name_or_id/members'
  const one = `${all}/:mid`

  routes.get(all, async (req, res) => {
    const { entityname } = parseQuery(ListQuery, req)
    const page = listPage(req)
    const { members: found, total } = await members.list(callerOf(res), projectRefOf(req), entityname, page)
    res.set(pageHeaders(req.originalUrl, page, total))
    res.json(found.map(toMemberBody))
  })
  routes.post(all, async (req, res) => {
    const id = await members.add(callerOf(res), projectRefOf(req), parseBody(NewMember, req))
    const project = encodeURIComponent(String(req.params.project_name_or_id))
    res.status(201).location(`/api/v2.0/projects/${project}/members/${id}`).end()
  })
  routes.get(one, async (req, res) => {
    res.json(toMemberBody(await members.get(callerOf(res), projectRefOf(req), pathNumber(req, 'mid'))))
  })
  routes.put(one, async (req, res) => {
    const { role_id: roleId } = parseBody(RoleRequest, req)
    await members.setRole(callerOf(res), projectRefOf(req), pathNumber(req, 'mid'), roleId)
    res.status(200).end()
  })
  routes.delete(one, async (req, res) => {
    await members.remove(callerOf(res), projectRefOf(req), pathNumber(req, 'mid'))
    res.status(200).end()
  })
  return routes
}

function toMemberBody(member: Member): Record<string, unknown> {
  return {
    id: member.id,
    project_id: member.projectId,
    entity_name: member.entity.name,
    entity_id: member.entity.id,
    entity_type: member.entity.kind === 'user' ? 'u' : 'g',
    role_id: member.roleId,
    role_name: findRole(member.roleId)?.name,
  }
}
