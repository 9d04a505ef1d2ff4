import { Unauthorized } from '@berth/errors'
import { type CookieOptions, Router, urlencoded } from 'express'
import { z } from 'zod'
import type { BasicSignIn } from '../caller/basic-sign-in.ts'
import { callerOf, cookieOf, isSecure, parseBody } from '../http/index.ts'
import type { SessionSignIn } from './session-sign-in.ts'

const Login = z.object({ principal: z.string().default(''), password: z.string().default('') })

/** `/c/login` and `/c/log_out`: how a browser signs in and out. Neither ever redirects. */
export function sessionRoutes(basic: BasicSignIn, sessions: SessionSignIn, externalUrl?: string): Router {
  const routes = Router()
  const cookie = (secure: boolean): CookieOptions => ({ httpOnly: true, sameSite: 'lax', path: '/', secure })

  routes.post('/c/login', urlencoded({ extended: false, limit: '16kb', parameterLimit: 20 }), async (req, res) => {
    const { principal, password } = parseBody(Login, req)
    const { address } = callerOf(res)
    const caller = await basic.signIn(principal, password, { address })
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
