import { BadRequest, DomainError, toErrorBody } from '@berth/errors'
import { type CookieOptions, type ErrorRequestHandler, json, type Request, type Response, Router } from 'express'
import { z } from 'zod'
import { baseUrlOf, callerOf, cookieOf, isSecure, noZeroBytes, parseBody, parseQuery } from '../http/index.ts'
import { ONBOARD_SCRIPT, onboardPage, problemPage } from '../page/index.ts'
import { parseLocalPath } from './local-path.ts'
import { LOGIN_MS } from './login-cookie.ts'
import type { Oidc, Visit } from './oidc-service.ts'

const LOGIN_COOKIE = 'oidc_login'
const TICKET_COOKIE = 'oidc_onboard'
const LoginQuery = z.object({ redirect_url: z.string().optional() })
const Chosen = z.object({ username: z.string().default('') })

/** `/c/oidc/*` and the page where somebody new chooses a user name. Browsers get pages, others the usual errors. */
export function oidcRoutes(oidc: Oidc, externalUrl?: string): Router {
  const routes = Router()
  const cookie = (req: Request, path: string): CookieOptions => ({
    httpOnly: true,
    sameSite: 'lax',
    path,
    secure: isSecure(req, externalUrl),
  })
  const visitOf = (req: Request, res: Response): Visit => ({
    base: baseUrlOf(req, externalUrl),
    sid: cookieOf(req, 'sid'),
    address: callerOf(res).address,
  })
  const signIn = (req: Request, res: Response, sid: string) => {
    res.clearCookie(TICKET_COOKIE, cookie(req, '/'))
    res.cookie('sid', sid, cookie(req, '/'))
  }

  routes.use(['/c/oidc', '/oidc-onboard'], (_req, res, next) => {
    res.set('Cache-Control', 'no-store')
    next()
  })

  routes.get('/c/oidc/login', async (req, res) => {
    const returnTo = parseLocalPath(parseQuery(LoginQuery, req).redirect_url)
    const begun = await oidc.begin(visitOf(req, res), returnTo)
    res.cookie(LOGIN_COOKIE, begun.cookie, { ...cookie(req, '/c/oidc'), maxAge: LOGIN_MS })
    res.redirect(begun.location)
  })

  routes.get('/c/oidc/callback', async (req, res) => {
    const { search } = new URL(req.originalUrl, 'http://berth.invalid')
    // Whatever comes of it, it is used up.
    res.clearCookie(LOGIN_COOKIE, cookie(req, '/c/oidc'))
    const done = await oidc.finish(visitOf(req, res), search.slice(1), cookieOf(req, LOGIN_COOKIE))
    if (done.kind === 'signed in') {
      signIn(req, res, done.sid)
      return res.redirect(done.returnTo)
    }
    res.cookie(TICKET_COOKIE, done.ticket, { ...cookie(req, '/'), maxAge: LOGIN_MS })
    const query = new URLSearchParams({ username: done.username, redirect_url: done.returnTo })
    res.redirect(`/oidc-onboard?${query}`)
  })

  routes.get('/oidc-onboard', async (req, res) => {
    const found = await oidc.findOnboarding(cookieOf(req, TICKET_COOKIE) ?? '')
    if (!found) throw new BadRequest('the sign-in took too long; sign in again')
    const csrfToken = String(res.getHeader('X-Harbor-CSRF-Token') ?? '')
    res.type('html').send(onboardPage({ ...found, csrfToken }))
  })
  routes.get('/c/oidc/onboard.js', (_req, res) => {
    res.type('js').send(ONBOARD_SCRIPT)
  })
  routes.post('/c/oidc/onboard', json({ limit: '16kb', reviver: noZeroBytes }), async (req, res) => {
    const { username } = parseBody(Chosen, req)
    const { sid } = await oidc.onboard(visitOf(req, res), cookieOf(req, TICKET_COOKIE) ?? '', username)
    signIn(req, res, sid)
    res.status(200).end()
  })

  routes.get('/c/oidc/logout', async (req, res) => {
    const elsewhere = await oidc.signOut(callerOf(res), visitOf(req, res))
    res.clearCookie('sid', cookie(req, '/'))
    res.redirect(elsewhere ?? '/')
  })

  routes.use(['/c/oidc', '/oidc-onboard'], problems)
  return routes
}

/** Somebody at a browser sees what went wrong, and where to try again. */
const problems: ErrorRequestHandler = (err, req, res, next) => {
  const isForPerson = req.method === 'GET' && req.accepts(['json', 'html']) === 'html'
  if (!isForPerson || !(err instanceof DomainError)) return next(err)
  const { status, body, retryAfterSeconds } = toErrorBody(err)
  if (retryAfterSeconds !== undefined) res.set('Retry-After', String(retryAfterSeconds))
  const message = body.errors.map((entry) => entry.message).join('; ')
  res.status(status).type('html').send(problemPage({ message }))
}
