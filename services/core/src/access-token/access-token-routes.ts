import { pageHeaders } from '@berth/db'
import { Router } from 'express'
import { z } from 'zod'
import { callerOf, listPage, parseBody, parseQuery, pathNumber } from '../http/index.ts'
import type { AccessToken, TokenPermission } from './access-token.ts'
import type { AccessTokens } from './access-token-service.ts'

const ListQuery = z.object({ user_id: z.coerce.number().int().optional() })
const Access = z.object({ resource: z.string().optional(), action: z.string().optional() })
const NewToken = z.object({
  name: z.string().optional(),
  description: z.string().optional(),
  expires_in_days: z.number().optional(),
  permissions: z
    .array(
      z.object({ kind: z.string().optional(), namespace: z.string().optional(), access: z.array(Access).optional() }),
    )
    .optional(),
})

/** Below `/api/berth/v1`. */
export function accessTokenRoutes(tokens: AccessTokens): Router {
  const routes = Router()

  routes.get('/access-tokens', async (req, res) => {
    const { user_id: userId } = parseQuery(ListQuery, req)
    const page = listPage(req)
    const { tokens: found, total } = await tokens.list(callerOf(res), userId, page)
    res.set(pageHeaders(req.originalUrl, page, total))
    res.json(found.map(toTokenBody))
  })
  routes.post('/access-tokens', async (req, res) => {
    const { token, secret } = await tokens.create(callerOf(res), parseBody(NewToken, req))
    res.set('Cache-Control', 'no-store')
    res.status(201).location(`/api/berth/v1/access-tokens/${token.id}`)
    res.json({ ...toTokenBody(token), token: secret })
  })
  routes.get('/access-tokens/:token_id', async (req, res) => {
    res.json(toTokenBody(await tokens.get(callerOf(res), pathNumber(req, 'token_id'))))
  })
  routes.delete('/access-tokens/:token_id', async (req, res) => {
    await tokens.revoke(callerOf(res), pathNumber(req, 'token_id'))
    res.status(200).end()
  })
  return routes
}

function toTokenBody(token: AccessToken): Record<string, unknown> {
  return {
    id: token.id,
    user_id: token.userId,
    name: token.name,
    description: token.description,
    creation_time: token.createdAt.toISOString(),
    expires_at: token.expiresAt.toISOString(),
    ...(token.lastUsedAt ? { last_used_at: token.lastUsedAt.toISOString() } : {}),
    permissions: token.permissions.map(toPermissionBody),
  }
}

function toPermissionBody({ scope, projectName, access }: TokenPermission): Record<string, unknown> {
  if (scope === 'system') return { kind: 'system', namespace: '/', access }
  return { kind: 'project', namespace: scope === 'every project' ? '*' : (projectName ?? ''), access }
}
