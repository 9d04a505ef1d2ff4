import { Unauthorized } from '@berth/errors'
import type { Request, RequestHandler } from 'express'
import { cookieOf, setCaller } from '../http/index.ts'
import type { SessionSignIn } from '../session/index.ts'
import type { BasicSignIn } from './basic-sign-in.ts'
import { ANONYMOUS, type UserCaller } from './caller.ts'

const OPEN = new Set(['/api/v2.0/ping', '/api/v2.0/health', '/api/version'])

/** A JWT: nothing else that is carried so is ours to judge. */
const BEARER = /^bearer +([\w-]+\.[\w-]+\.[\w-]+) *$/i

/** Tells the gateway, which counts failed logins and takes this off, how the credentials fared. */
const CREDENTIALS = 'x-berth-credentials'

/**
 * Finds out who a request comes from: by its `Authorization`, else by its session, else nobody. Credentials that are
 * wrong are 401 everywhere but on the paths that ask nobody; a session that has ended is nobody.
 */
export function authenticate(deps: {
  basic: BasicSignIn
  /** An ID token of a provider. */
  bearer: (token: string) => Promise<UserCaller>
  sessions: SessionSignIn
}): RequestHandler {
  const { basic, bearer, sessions } = deps
  return async (req, res, next) => {
    if (OPEN.has(req.path)) return next()
    const { authorization } = req.headers
    const address = clientAddress(req)
    if (authorization !== undefined) {
      const token = BEARER.exec(authorization)?.[1]
      const origin = { address, method: req.method, path: req.path }
      const byPassword = token === undefined ? parseBasic(authorization) : undefined
      try {
        const caller = byPassword
          ? await basic.signIn(byPassword.username, byPassword.password, origin)
          : await bearer(token ?? '')
        setCaller(res, { ...caller, address })
      } catch (err) {
        if (err instanceof Unauthorized) res.setHeader(CREDENTIALS, 'bad')
        throw err
      }
      res.setHeader(CREDENTIALS, 'good')
      return next()
    }
    const sid = cookieOf(req, 'sid')
    const renewal = req.headers['x-harbor-no-session-renewal'] === undefined
    const caller = sid === undefined ? undefined : await sessions.find(sid, { renewal })
    setCaller(res, { ...(caller ?? ANONYMOUS), address })
    next()
  }
}

/** One address: the gateway lets nothing else through. */
function clientAddress(req: Request): string | undefined {
  const forwarded = req.headers['x-forwarded-for']
  return typeof forwarded === 'string' ? forwarded.slice(0, 64) : req.socket.remoteAddress
}

/** @throws {Unauthorized} not the basic scheme of RFC 7617 */
export function parseBasic(header: string): { username: string; password: string } {
  const encoded = /^basic +([A-Za-z0-9+/_-]+={0,2}) *$/i.exec(header)?.[1]
  const text = encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (colon < 0) throw new Unauthorized('unauthorized')
  return { username: text.slice(0, colon), password: text.slice(colon + 1) }
}
