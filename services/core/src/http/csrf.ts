import { Forbidden } from '@berth/errors'
import { doubleCsrf } from 'csrf-csrf'
import type { Request, RequestHandler } from 'express'
import { cookieOf, isSecure } from './cookies.ts'
import { setBrowser } from './parse.ts'

const HEADER = 'X-Harbor-CSRF-Token'
const COOKIE = '_gorilla_csrf'
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])

/**
 * Harbor's protection against requests other sites make in a browser's name: a token in a cookie and in a header must
 * be the same and ours. Asked for with every change a browser session makes, and for whatever is below `/c/`; never of
 * clients that sign in with each request. The token is the browser's, not the session's, so it outlives signing in.
 */
export function csrfProtection(options: { secret: string; externalUrl?: string }): RequestHandler {
  const { secret, externalUrl } = options
  const guards = [false, true].map((secure) =>
    doubleCsrf({
      getSecret: () => secret,
      getSessionIdentifier: () => 'berth',
      cookieName: COOKIE,
      cookieOptions: { sameSite: 'lax', path: '/', secure, httpOnly: true },
      getCsrfTokenFromRequest: (req) => req.header(HEADER),
      skipCsrfProtection: () => false,
    }),
  )
  return (req, res, next) => {
    const guard = guards[isSecure(req, externalUrl) ? 1 : 0] as (typeof guards)[number]
    req.cookies = { [COOKIE]: decoded(cookieOf(req, COOKIE)) }
    if (!concerned(req)) return next()
    if (!SAFE.has(req.method)) {
      if (!guard.validateRequest(req)) return next(new Forbidden('CSRF token invalid'))
      setBrowser(res)
    }
    res.set(HEADER, guard.generateCsrfToken(req, res, { overwrite: false, validateOnReuse: false }))
    next()
  }
}

function concerned(req: Request): boolean {
  if (/^\/c(?:\/|$)/i.test(req.path)) return true
  if (cookieOf(req, 'sid') !== undefined) return true
  // Who shows a token without a session is a browser in which nobody has signed in yet.
  return req.headers.authorization === undefined && (SAFE.has(req.method) || req.header(HEADER) !== undefined)
}

function decoded(value: string | undefined): string | undefined {
  if (value === undefined) return undefined
  try {
    return decodeURIComponent(value)
  } catch {
    return undefined
  }
}
