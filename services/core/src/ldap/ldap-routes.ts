import { Router } from 'express'
import { z } from 'zod'
import { callerOf, parseBody, parseQuery } from '../http/index.ts'
import type { Ldap } from './ldap-service.ts'
import { PingRequest } from './ping.ts'

const UserQuery = z.object({ username: z.string().default('') })
const GroupQuery = z.object({ groupname: z.string().optional(), groupdn: z.string().optional() })
const Import = z.object({ ldap_uid_list: z.array(z.string()).max(1_000).default([]) })

/** `/ldap/*`: what administrators ask the directory. */
export function ldapRoutes(ldap: Ldap): Router {
  const routes = Router()
  routes.post('/ldap/ping', async (req, res) => {
    res.json(await ldap.ping(callerOf(res), parseBody(PingRequest, req)))
  })
  routes.get('/ldap/users/search', async (req, res) => {
    const people = await ldap.searchUsers(callerOf(res), parseQuery(UserQuery, req).username)
    res.json(people.map(({ username, realname, email }) => ({ username, realname, email })))
  })
  routes.post('/ldap/users/import', async (req, res) => {
    const failed = await ldap.importUsers(callerOf(res), parseBody(Import, req).ldap_uid_list)
    if (failed.length > 0) res.status(404).json(failed)
    else res.status(200).end()
  })
  routes.get('/ldap/groups/search', async (req, res) => {
    const { groupname, groupdn } = parseQuery(GroupQuery, req)
    const groups = await ldap.searchGroups(callerOf(res), { name: groupname, dn: groupdn })
    res.json(groups.map(({ name, dn }) => ({ group_name: name, group_type: 1, ldap_group_dn: dn })))
  })
  return routes
}
