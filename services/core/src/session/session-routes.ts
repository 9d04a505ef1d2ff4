import { Unauthorized } from '@berth/errors'
import { type CookieOptions, Router, urlencoded } from 'express'
import { z } from 'zod'
import type { BasicSignIn } from '../caller/basic-sign-in.ts'
import { baseUrlOf, callerOf, cookieOf, isSecure, parseBody } from '../http/index.ts'
import type { SessionSignIn } from './session-sign-in.ts'

const Login = z.object({ principal: z.string().default(''), password: z.string().default('') })

/** Where whoever has this name signs in, if not with a password here: a path of ours. */
export type SignInElsewhere = (principal: string) => Promise<string | undefined>

/** `/c/login` and `/c/log_out`: how a browser signs in and out. Neither ever redirects. */
export function sessionRoutes(deps: {
  basic: BasicSignIn
  sessions: SessionSignIn
  elsewhere: SignInElsewhere
  externalUrl?: string
}): Router {
  const { basic, sessions, elsewhere, externalUrl } = deps
  const routes = Router()
  const cookie = (secure: boolean): CookieOptions => ({ httpOnly: true, sameSite: 'lax', path: '/', secure })

  routes.post('/c/login', urlencoded({ extended: false, limit: '16kb', parameterLimit: 20 }), async (req, res) => {
    const { principal, password } = parseBody(Login, req)
    const { address } = callerOf(res)
    const path = await elsewhere(principal)
    // Harbor's portal reads it, since a script cannot follow a redirect to another site.
    if (path) return res.status(403).json({ redirect_location: `${baseUrlOf(req, externalUrl)}${path}` })
    const caller = await basic.signIn(principal, password, { address, method: req.method, path: req.path })
    // A session may what its person may; a robot or an access token may less.
    if (caller.kind !== 'user' || caller.token) throw new Unauthorized('invalid user name or password')
    const sid = await sessions.begin(caller, cookieOf(req, 'sid'))
    res.cookie('sid', sid, cookie(isSecure(req, externalUrl)))
    res.status(200).end()
  })
  routes.get('/c/log_out', async (req, res) => {
    const caller = callerOf(res)
    if (caller.kind === 'user') await sessions.end(caller)
    res.clearCookie('sid', cookie(isSecure(req, externalUrl)))
    res.status(200).end()
  })
  return routes
}
