import { pageHeaders } from '@berth/db'
import { type Response, Router } from 'express'
import { z } from 'zod'
import type { Caller } from '../caller/caller.ts'
import { callerOf, isBrowser, listPage, parseBody, parseQuery, pathNumber } from '../http/index.ts'
import type { CliSecrets, OidcMeta } from './cli-secret-service.ts'
import type { OwnPermissions } from './own-permissions.ts'
import type { User } from './user.ts'
import type { Users } from './user-service.ts'

const ListQuery = z.object({ q: z.string().optional(), sort: z.string().optional() })
const SearchQuery = z.object({ username: z.string() })
const PermissionsQuery = z.object({ scope: z.string().default(''), relative: z.boolean().default(false) })
// What is not named here, such as a flag that makes an administrator, is not heard.
const Profile = z.object({
  email: z.string().optional(),
  realname: z.string().optional(),
  comment: z.string().optional(),
})
const NewUser = Profile.extend({ username: z.string().optional(), password: z.string().optional() })
const Password = z.object({ old_password: z.string().optional(), new_password: z.string().optional() })
const Sysadmin = z.object({ sysadmin_flag: z.boolean().default(false) })

export function userRoutes(users: Users, ownPermissions: OwnPermissions, metaOf: CliSecrets['metaOf']): Router {
  const routes = Router()
  const toWholeBody = async (caller: Caller, res: Response, user: User) => {
    const meta = await metaOf(caller, user.id)
    // It can hold a secret.
    if (meta) res.set('Cache-Control', 'no-store')
    return { ...toUserBody(user), ...(meta ? { oidc_user_meta: toMetaBody(meta) } : {}) }
  }

  routes.get('/users', async (req, res) => {
    const page = listPage(req)
    const { users: found, total } = await users.list(callerOf(res), parseQuery(ListQuery, req), page)
    res.set(pageHeaders(req.originalUrl, page, total))
    res.json(found.map(toUserBody))
  })
  routes.post('/users', async (req, res) => {
    const id = await users.create(callerOf(res), parseBody(NewUser, req), { isBrowser: isBrowser(res) })
    res.status(201).location(`/api/v2.0/users/${id}`).end()
  })
  routes.get('/users/current', async (_req, res) => {
    const caller = callerOf(res)
    res.json(await toWholeBody(caller, res, await users.current(caller)))
  })
  routes.get('/users/current/permissions', async (req, res) => {
    res.json(await ownPermissions(callerOf(res), parseQuery(PermissionsQuery, req)))
  })
  routes.get('/users/search', async (req, res) => {
    const page = listPage(req)
    const { username } = parseQuery(SearchQuery, req)
    const { users: found, total } = await users.search(callerOf(res), username, page)
    res.set(pageHeaders(req.originalUrl, page, total))
    res.json(found.map((user) => ({ user_id: user.id, username: user.username })))
  })
  routes.get('/users/:user_id', async (req, res) => {
    const caller = callerOf(res)
    res.json(await toWholeBody(caller, res, await users.get(caller, pathNumber(req, 'user_id'))))
  })
  routes.put('/users/:user_id', async (req, res) => {
    await users.updateProfile(callerOf(res), pathNumber(req, 'user_id'), parseBody(Profile, req))
    res.status(200).end()
  })
  routes.delete('/users/:user_id', async (req, res) => {
    await users.delete(callerOf(res), pathNumber(req, 'user_id'))
    res.status(200).end()
  })
  routes.put('/users/:user_id/password', async (req, res) => {
    await users.changePassword(callerOf(res), pathNumber(req, 'user_id'), parseBody(Password, req))
    res.status(200).end()
  })
  routes.put('/users/:user_id/sysadmin', async (req, res) => {
    const { sysadmin_flag: sysadmin } = parseBody(Sysadmin, req)
    await users.setSysadmin(callerOf(res), pathNumber(req, 'user_id'), sysadmin)
    res.status(200).end()
  })
  return routes
}

function toUserBody(user: User): Record<string, unknown> {
  return {
    user_id: user.id,
    username: user.username,
    email: user.email ?? '',
    realname: user.realname,
    comment: user.comment,
    sysadmin_flag: user.sysadmin,
    admin_role_in_auth: user.groupAdmin,
    creation_time: user.createdAt.toISOString(),
    update_time: user.updatedAt.toISOString(),
  }
}

function toMetaBody({ userId, subiss, secret, createdAt, updatedAt }: OidcMeta): Record<string, unknown> {
  const times = { creation_time: createdAt.toISOString(), update_time: updatedAt.toISOString() }
  return { id: userId, user_id: userId, subiss, secret, ...times }
}
